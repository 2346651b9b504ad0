import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { sandboxEnv } from '../../src/local/sandbox-env.ts'
import { startSandbox } from '../../src/sandbox/server.ts'
import { addUser } from '../db/rows.ts'
import { completeEnv } from '../oauth/support.ts'
import { createTestDatabase } from '../support/database.ts'

const run = promisify(execFile)

it('npm run connect:app gives a user the app itself, without a consent', async () => {
  await using sandbox = await startSandbox()
  await using database = await createTestDatabase()
  const userId = await addUser(database.sql)
  const env = { ...completeEnv(), ...sandboxEnv(sandbox.url), SUPABASE_DB_URL: database.url }
  const args = ['src/worker/connect-app.ts', '--provider', 'autodesk', '--user', userId, '--json']
  const { stdout } = await run(process.execPath, args, { env })
  expect(JSON.parse(stdout)).toMatchObject({ accountId: 'sandbox-client', accountLabel: 'Autodesk app sandbox-client' })
  expect(stdout).not.toContain('sandbox-secret')

  const [row] = await database.sql`
    select i.user_id, i.provider, i.grant_type, i.status, a.actor, a.source
    from public.integrations i join public.audit_log a on a.integration_id = i.id where a.event = 'connected'`
  expect(row).toEqual({
    user_id: userId,
    provider: 'autodesk',
    grant_type: 'client_credentials',
    status: 'connected',
    actor: 'operator',
    source: 'connect:app',
  })
})

it.each([
  ['connect-app', 'slack', 'Slack has no such connection. These have: autodesk.'],
  ['connect-service-account', 'slack', 'Slack has no such connection. These have: google-drive.'],
  ['connect-app', 'nope', 'There is no provider "nope". Known: autodesk'],
])('npm run %s says who offers it when it is not %s', async (command, provider, message) => {
  const args = [`src/worker/${command}.ts`, '--provider', provider, '--user', '8f14e45f-ceea-467f-a0e6-f1b0a1c3d5b2']
  await expect(run(process.execPath, args, { env: {} })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(message),
  })
})
