import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { googleSandbox, type GoogleSandbox } from '../../src/sandbox/google/client.ts'
import { endpointSettings } from '../../src/shared/endpoints/find-endpoint.ts'
import type { EndpointTest } from '../../src/shared/endpoints/endpoint-test.ts'
import { testEndpoint } from '../../src/shared/endpoints/test-endpoint.ts'
import { addEndpoint, addUser } from '../db/rows.ts'
import { startConnectedDrive, type ConnectedDrive } from '../support/connected-drive.ts'

let drive: ConnectedDrive
let google: GoogleSandbox
let folderId: string

beforeAll(async () => {
  drive = await startConnectedDrive()
  google = googleSandbox(drive.sandboxUrl)
  const folder = await google.createFolder({ name: 'plans' })
  folderId = folder.id
  await google.createFolder({ name: 'old', parentId: folderId })
  await google.createFiles({ count: 2, prefix: 'plan ', parentId: folderId })
})
beforeEach(async () => {
  await sandboxClient(drive.sandboxUrl).clearFaults()
  await drive.reconnect()
  await set({ endpoint_config: {}, file_types: ['*'] })
})
afterAll(() => drive[Symbol.asyncDispose]())

describe('the test of an endpoint', () => {
  it('tells what the first page has, of an account and of a folder', async () => {
    expect(await run()).toMatchObject({ ok: true, steps: [ok('credentials'), ok('reach'), ok('first_page')] })

    await set({ endpoint_config: { folder_id: folderId } })
    expect(await run()).toEqual({
      ok: true,
      steps: [ok('credentials'), ok('reach'), ok('first_page')],
      files: 2,
      matching: 2,
      folders: 1,
      more: true,
      names: [expect.stringMatching(/^plan /), expect.stringMatching(/^plan /), 'old/'],
    })
  })

  it('counts what file_types lets through', async () => {
    await set({ endpoint_config: { folder_id: folderId }, file_types: ['nothing-ends-so'] })
    expect(await run()).toMatchObject({ ok: true, files: 2, matching: 0 })
  })

  it('writes nothing of what it finds, and leaves the schedule alone', async () => {
    const before = await contents()
    await run()
    await set({ endpoint_config: { folder_id: 'none' } })
    const changed = await contents()
    await run()
    expect(changed).not.toEqual(before)
    expect(await contents()).toEqual(changed)
  })

  it.each([
    [
      'an account that is not connected',
      async () => disconnect('disconnected'),
      ['failed', 'skipped', 'skipped'],
      'not_connected',
    ],
    ['a token that the provider refuses', async () => refuseTokens(), ['failed', 'skipped', 'skipped'], 'needs_reauth'],
    [
      'a permission that was not granted',
      () => drive.sql`update public.integrations set scopes = '{openid}'`,
      ['failed', 'skipped', 'skipped'],
      'missing_scope',
    ],
    [
      'a folder that is not there',
      () => set({ endpoint_config: { folder_id: 'none' } }),
      ['ok', 'failed', 'skipped'],
      'provider_not_found',
    ],
    ['a setting with a slip', () => set({ endpoint_config: { foldr_id: 'x' } }), ['ok', 'failed', 'skipped'], 'invalid_request'],
    [
      'a provider that is down',
      () => fault('/drive/v3', { type: 'server-error', status: 500, html: true }),
      ['ok', 'failed', 'skipped'],
      'provider_unavailable',
    ],
    [
      'contents that cannot be read',
      async () => {
        await set({ endpoint_config: { folder_id: folderId } })
        await fault('^/drive/v3/files$', { type: 'error', status: 403, body: forbidden })
      },
      ['ok', 'ok', 'failed'],
      'provider_forbidden',
    ],
  ])('names the step that fails: %s', async (_what, arrange, statuses, code) => {
    await arrange()

    const { ok, steps } = await run()
    expect(ok).toBe(false)
    expect(steps.map(({ status }) => status)).toEqual(statuses)
    const failed = steps.find(({ status }) => status === 'failed')
    expect(failed).toMatchObject({ code, message: expect.stringMatching(/\.$/) })
  })

  it('keeps from the user what only the operator may read', async () => {
    const { integration } = await endpointSettings(drive.sql, drive.userId, drive.endpointId)
    const sql = (() => Promise.reject(new Error('relation "private" does not exist'))) as unknown as typeof drive.sql
    const settings = { endpointType: 'google_drive', config: {}, fileTypes: null, integration }
    const test = await testEndpoint({ ...drive.runtime, sql }, settings)

    expect(test.steps[0]).toMatchObject({ code: 'internal_error', message: 'Patchbay could not do this.' })
    expect(JSON.stringify(test)).not.toContain('private')
  })

  it("is not for another user's endpoint, nor for one that does not exist", async () => {
    const other = await addUser(drive.sql)
    const theirs = await addEndpoint(drive.sql, other)
    for (const id of [theirs, randomUUID(), 'plans', "1' or true --"]) {
      await expect(endpointSettings(drive.sql, drive.userId, id)).rejects.toMatchObject({ code: 'not_found' })
    }
  })
})

const ok = (step: string) => ({ step, status: 'ok', code: null, message: null, hint: null })

const forbidden = {
  error: { code: 403, message: 'No.', errors: [{ domain: 'global', reason: 'insufficientFilePermissions', message: 'No.' }] },
}

async function run(): Promise<EndpointTest> {
  const runtime = { ...drive.runtime, sleep: async () => {} }
  return testEndpoint(runtime, await endpointSettings(drive.sql, drive.userId, drive.endpointId))
}

async function set({ endpoint_config, file_types = ['*'] }: { endpoint_config: object; file_types?: string[] }): Promise<void> {
  await drive.sql`
    update public.endpoints
    set endpoint_config = ${JSON.stringify(endpoint_config)}::text::jsonb, file_types = ${JSON.stringify(file_types)}::text::jsonb
    where id = ${drive.endpointId}::uuid`
}

async function disconnect(status: string): Promise<void> {
  await drive.sql`update public.integrations set status = ${status} where id = ${drive.integrationId}::uuid`
}

/** Neither the access token nor the refresh token is good any more. */
async function refuseTokens(): Promise<void> {
  await fault('/drive/v3', {
    type: 'error',
    status: 401,
    body: { error: { code: 401, message: 'Invalid Credentials', errors: [{ reason: 'authError', message: 'x' }] } },
  })
  await fault('/token', { type: 'error', status: 400, body: { error: 'invalid_grant' } })
}

type FaultRule = Parameters<ReturnType<typeof sandboxClient>['addFault']>[0]

async function fault(path: string, one: FaultRule['fault']): Promise<void> {
  await sandboxClient(drive.sandboxUrl).addFault({ match: { path }, fault: one, times: 'always' })
}

/** What a sync writes. */
async function contents(): Promise<unknown> {
  return [
    ...(await drive.sql`
      select t.text from (
        select 'endpoint' || e::text from public.endpoints e union all
        select 'file' || f::text from public.files f union all
        select 'log' || l::text from public.sync_logs l union all
        select 'state' || s::text from patchbay.sync_state s union all
        select 'folder' || d::text from patchbay.folders d union all
        select 'seen' || p::text from patchbay.seen_pages p union all
        select 'job' || j::text from pgboss.job j
      ) t (text) order by 1`),
  ]
}
