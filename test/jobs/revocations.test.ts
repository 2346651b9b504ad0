import { expect, it } from 'vitest'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { drain } from '../../src/shared/jobs/drain.ts'
import { createJobQueue } from '../../src/shared/jobs/queue.ts'
import { disconnectIntegration } from '../../src/shared/oauth/integrations.ts'
import { reserveIntegration } from '../../src/shared/oauth/secret-store.ts'
import { addUser } from '../db/rows.ts'
import { connectTokens, tokenSet } from '../oauth/support.ts'
import { startConnectedDrive, type ConnectedDrive } from '../support/connected-drive.ts'

const revoked = { event: 'revoked', reason: null }
// Both tokens are sent. The first ends the consent here, and the second is answered like one that nobody knows.

it('tells the provider, and asks again when that is down', async () => {
  await using drive = await startConnectedDrive()
  const fault = { type: 'server-error', status: 503 } as const
  await sandboxClient(drive.sandboxUrl).addFault({ match: { path: '/revoke' }, fault })
  expect(await disconnect(drive)).toEqual(revoked)
  expect(await revokeStatuses(drive)).toEqual([503, 200, 400])
  expect(await sandboxClient(drive.sandboxUrl).control('google-drive').revokeGrants('pat@example.com')).toBe(0)
})

it('is content with a token that was dead already', async () => {
  await using drive = await startConnectedDrive()
  await sandboxClient(drive.sandboxUrl).control('google-drive').revokeGrants('pat@example.com')
  expect(await disconnect(drive)).toEqual(revoked)
  expect(await revokeStatuses(drive)).toEqual([400, 400])
})

it.each([
  ['the same account', 'google-drive', 'account', 'Pat'],
  ['the same address at a provider with the same app', 'google-calendar', 'another id', 'PAT@example.com'],
])('does not end the consent that another connection lives on: of %s', async (_what, provider, accountId, accountLabel) => {
  await using drive = await startConnectedDrive()
  await connectAnother(drive, { provider, accountId, accountLabel })
  expect(await disconnect(drive)).toEqual({ event: 'revocation_skipped', reason: expect.stringContaining('same consent') })
  expect(await revokeStatuses(drive)).toEqual([])
})

it.each([
  ['another account of the same name', 'google-drive', 'another id', 'pat@example.com'],
  ['another address', 'google-calendar', 'another id', 'sam@example.com'],
  ["the same address at another vendor's", 'outlook', 'account', 'pat@example.com'],
])('ends the consent when what else is connected is %s', async (_what, provider, accountId, accountLabel) => {
  await using drive = await startConnectedDrive()
  await connectAnother(drive, { provider, accountId, accountLabel })
  expect(await disconnect(drive)).toEqual(revoked)
  expect(await revokeStatuses(drive)).toEqual([200, 400])
})

/** Disconnects and works until nothing is queued. Gives what the audit log says in the end. */
async function disconnect({ sql, runtime, databaseUrl, userId, integrationId }: ConnectedDrive): Promise<unknown> {
  await sql`update public.endpoints set enabled = false`
  await sql`update pgboss.queue set retry_delay = 0, retry_backoff = false`
  await disconnectIntegration(sql, userId, integrationId, { deleteRows: false, origin: { actor: 'user', source: 'test' } })
  const queue = createJobQueue(databaseUrl)
  await drain(runtime, {
    queue,
    concurrency: 1,
    budget: () => ({ deadline: Number.POSITIVE_INFINITY, pages: 1 }),
    stop: () => false,
    idle: async () => false,
  })
  await queue.close()
  expect(await sql`select from patchbay.revocations`).toHaveLength(0)
  const [line] = await sql`
    select event, reason from public.audit_log where source = 'revoke-token' order by created_at desc limit 1`
  return line
}

async function connectAnother(
  { runtime }: ConnectedDrive,
  account: { provider: string; accountId: string; accountLabel: string },
): Promise<void> {
  const userId = await addUser(runtime.sql)
  const id = await reserveIntegration(runtime.sql, { userId, grantType: 'authorization_code', ...account })
  await connectTokens(runtime, id, { primary: tokenSet(2) })
}

async function revokeStatuses({ sandboxUrl }: ConnectedDrive): Promise<unknown[]> {
  const requests = await sandboxClient(sandboxUrl).requests()
  return requests.filter(({ path }) => path === '/revoke').map(({ status }) => status)
}
