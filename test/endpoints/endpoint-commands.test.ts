import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import { addEndpoint, addUser } from '../db/rows.ts'
import { startConnectedDrive, type ConnectedDrive } from '../support/connected-drive.ts'
import { runCommand, type Ended } from './commands.ts'

let drive: ConnectedDrive

beforeAll(async () => {
  drive = await startConnectedDrive()
  await googleSandbox(drive.sandboxUrl).createFiles({ count: 3, prefix: 'plan ' })
})
beforeEach(async () => {
  await drive.sql`delete from public.endpoints where id <> ${drive.endpointId}::uuid`
  await drive.sql`update public.endpoints set enabled = true, endpoint_config = '{}'`
})
afterAll(() => drive[Symbol.asyncDispose]())

describe('npm run endpoint', () => {
  it('lists the endpoints of all users, or those asked for', async () => {
    const other = await addEndpoint(drive.sql, await addUser(drive.sql), { name: 'Elsewhere' })
    const all = await endpoint('list')
    expect(all.stdout.trim().split('\n')).toEqual([
      expect.stringMatching(new RegExp(`^${other}  pending    waits for an account  +google_drive +Elsewhere$`)),
      expect.stringMatching(new RegExp(`^${drive.endpointId}  pending    due \\d{4}-.+ UTC +google_drive +Test$`)),
    ])
    const mine = await endpoint('list', '--user', drive.userId, '--type', 'google_drive', '--status', 'pending', '--json')
    expect(JSON.parse(mine.stdout)).toMatchObject([{ id: drive.endpointId, name: 'Test' }])
    expect((await endpoint('list', '--status', 'failed')).stdout).toBe('There are none.\n')
    const [user] = await drive.sql<[{ email: string }]>`select email from auth.users where id = ${drive.userId}::uuid`
    expect(await endpoint('list', '--user', user.email, '--json')).toMatchObject({ stdout: mine.stdout })
    expect((await endpoint('list', '--type', 'other')).stderr).toBe(
      'There is no endpoint_type "other". Known: autodesk_construction_cloud, google_drive.\n',
    )
  })

  it('pauses, resumes, syncs, cancels and resyncs, by id and by name', async () => {
    const steer = async (...args: string[]) => JSON.parse((await endpoint(...args, '--json')).stdout)
    expect(await steer('pause', 'Test')).toMatchObject({ id: drive.endpointId, enabled: false })
    expect(await steer('show', 'Test')).toMatchObject({ id: drive.endpointId, enabled: false })
    expect(await steer('resume', drive.endpointId)).toMatchObject({ enabled: true })
    expect(Date.parse((await steer('sync', 'Test')).next_sync_at)).toBeLessThan(Date.now() + 1000)
    expect(Date.parse((await steer('cancel', 'Test')).next_sync_at)).toBeGreaterThan(Date.now() + 60_000)
    expect(Date.parse((await steer('resync', 'Test')).next_sync_at)).toBeLessThan(Date.now() + 1000)
  })

  it('shows one in words', async () => {
    expect((await endpoint('show', 'Test')).stdout).toMatch(/^name +Test$/m)
    expect((await endpoint('pause', 'Test')).stdout).toMatch(/pending +paused +google_drive +Test\n$/)
  })

  it.each([
    ['a paused one', async () => endpoint('pause', 'Test'), ['sync', 'Test'], 'This endpoint is paused. Resume it first.\n'],
    [
      'nothing to confirm',
      async () => {},
      ['confirm-deletions', 'Test'],
      'No deletion of this endpoint waits to be confirmed. Only after a run that ended with the status stopped.\n',
    ],
    [
      'one that does not exist',
      async () => {},
      ['sync', 'Nothing'],
      'There is no endpoint with the id or the name "Nothing". npm run endpoint -- list shows them.\n',
    ],
  ])('says why it does nothing with %s, and exits with 1', async (_what, arrange, args, message) => {
    await arrange()
    expect(await endpoint(...args)).toEqual({ code: 1, stdout: '', stderr: message })
  })

  it('asks which one, where several have the name', async () => {
    const other = await addEndpoint(drive.sql, drive.userId, { name: 'Test' })
    expect(await endpoint('pause', 'Test')).toMatchObject({
      code: 1,
      stderr: `Several endpoints have this name: ${drive.endpointId}, ${other}. Say which one, by its id.\n`,
    })
  })

  it('says when the database is not there, without a stack', async () => {
    const env = { ...drive.env, SUPABASE_DB_URL: 'postgresql://postgres@127.0.0.1:1/postgres' }
    expect(await runCommand('endpoint', ['list'], env)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'The database cannot be reached. Try again.\n',
    })
  })

  it.each([
    ['the database', { pathname: '/nope' }, 'Correct the name of the database in CONNECTOR_DATABASE_URL; it is postgres.\n'],
    ['the role', { username: 'nobody' }, 'Correct user and password in CONNECTOR_DATABASE_URL (dashboard: Connect).\n'],
  ])('says what to correct when %s of its address is wrong, without a stack', async (_what, wrong, remedy) => {
    const url = Object.assign(new URL(drive.env['SUPABASE_DB_URL'] ?? ''), wrong).href
    const { code, stderr } = await runCommand('endpoint', ['list'], { ...drive.env, SUPABASE_DB_URL: url })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^The database lets nobody in: .+\n$/)
    expect(stderr).toContain(remedy)
  })

  it('says which variables are missing, and where they belong', async () => {
    const { code, stderr } = await runCommand('endpoint', ['list'], {})
    expect(code).toBe(1)
    expect(stderr).toContain('\n- CONNECTOR_TOKEN_KEYS must be ')
    expect(stderr).toMatch(/\nSet them in \.env .+: ln -s \.local\/env \.env\n$/)
  })
})

describe('npm run endpoint:test', () => {
  it('tries every endpoint of a type, says what fails, and writes nothing', async () => {
    await addEndpoint(drive.sql, drive.userId, {
      name: 'Wrong',
      integration_id: drive.integrationId,
      endpoint_config: drive.sql.json({ folder_id: 'none' }),
    })
    await addEndpoint(drive.sql, await addUser(drive.sql), { name: 'Waiting' })
    const { code, stdout } = await runCommand('endpoint-test', ['--type', 'google_drive'], drive.env)

    expect(code).toBe(1)
    expect(stdout).toMatch(
      /^Test \(.+\)\n  ✓ credentials\n  ✓ reach\n  ✓ first page\n  \d+ files, \d+ of them of its file_types, and \d+ folders: plan /m,
    )
    expect(stdout).toMatch(/^Wrong \(.+\)\n  ✓ credentials\n  ✗ reach: .+ \(provider_not_found\)\n  - first page$/m)
    expect(stdout).toMatch(
      /^Waiting \(.+\)\n  ✗ credentials: Google Drive is not connected. Connect the account first. \(not_connected\)$/m,
    )
    expect(stdout).toMatch(/\n1 of 3 endpoints can be synced\.\n$/)
    expect(await drive.sql`select from public.files union all select from public.sync_logs`).toHaveLength(0)
  })

  it('tries one, and prints JSON', async () => {
    const { code, stdout } = await runCommand('endpoint-test', ['--id', 'Test', '--json'], drive.env)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      id: drive.endpointId,
      name: 'Test',
      ok: true,
      steps: [{ step: 'credentials' }, {}, {}],
    })
  })

  it.each([
    [[], 'Say which endpoints to test. Use --type <endpoint_type> or --id <id or name>.\n'],
    [['--type', 'nothing'], 'There is no endpoint_type "nothing". Known: '],
    [['--id', randomUUID()], 'There is no endpoint with the id or the name '],
  ])('says what is wrong with %j', async (args, message) => {
    const { code, stdout, stderr } = await runCommand('endpoint-test', args, drive.env)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(message)
  })

  it('shows no token, in no output, also when the provider refuses it', async () => {
    const sandbox = sandboxClient(drive.sandboxUrl)
    await sandbox.addFault({
      match: { path: '/drive/v3' },
      fault: { type: 'server-error', status: 500, html: true },
      times: 'always',
    })
    const { stdout, stderr } = await runCommand('endpoint-test', ['--id', 'Test'], { ...drive.env, CONNECTOR_LOG_LEVEL: 'debug' })
    await sandbox.clearFaults()
    expect(stdout).toContain('(provider_unavailable)')
    expect(stdout + stderr).not.toMatch(/ya29|1\/\/|sandbox-secret|eyJ/)
  })
})

function endpoint(...args: string[]): Promise<Ended> {
  return runCommand('endpoint', args, drive.env)
}
