import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { connect } from '../../src/shared/db/connection.ts'
import { requireAllKeys, rotateKeys } from '../../src/shared/oauth/rotate-keys.ts'
import { readSecret } from '../../src/shared/oauth/secret-store.ts'
import { decryptFor, encryptFor, secretOwner, webhookOwner } from '../../src/shared/oauth/vault.ts'
import { createTestDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'
import { completeEnv, createRuntime, storeIntegration, tokenKey, tokenSet, type TestRuntime } from './support.ts'

const oldKey = tokenKey('old')
const newKey = tokenKey('new')

it('encrypts every token with the first key, so that the old one can go', async () => {
  await using world = await worldWith(450)
  const progress: number[] = []
  expect(await rotateKeys(world.runtime(`${newKey},${oldKey}`), (done) => progress.push(done))).toBe(450)
  expect(progress).toEqual(Array.from({ length: 450 }, (_, n) => n + 1))
  expect(await keyIds(world)).toEqual([{ access: 'new', refresh: 'new' }])

  expect(await storedWith(world, newKey, world.ids[0]!, 'primary')).toEqual(['access-1', 'refresh-1'])
})

it("encrypts each of an integration's tokens for itself", async () => {
  await using world = await worldWith(0)
  // 303 in batches of 200: one batch ends between the tokens of one integration.
  const ids: string[] = []
  for (let n = 0; n < 101; n += 1) {
    ids.push(await storeIntegration(world.runtime(oldKey), 3_600_000, {}, { user: tokenSet(2), bot: tokenSet(3) }))
  }
  expect(await rotateKeys(world.runtime(`${newKey},${oldKey}`), () => {})).toBe(303)
  expect(await keyIds(world)).toEqual([{ access: 'new', refresh: 'new' }])
  for (const [name, number] of Object.entries({ primary: 1, user: 2, bot: 3 })) {
    expect(await storedWith(world, newKey, ids[0]!, name)).toEqual([`access-${number}`, `refresh-${number}`])
  }
})

it('goes on after a kill, with what is left', async () => {
  await using world = await worldWith(2_000)
  const rotated = async (): Promise<number> =>
    (await world.sql`select from patchbay.secrets where patchbay.jwe_key_id(access_token_jwe) = 'new'`).length
  const child = spawn(process.execPath, ['src/worker/rotate-tokens.ts'], { env: environment(world.url, `${newKey},${oldKey}`) })
  const ended = once(child, 'exit')
  await until(async () => (await rotated()) > 0)
  child.kill('SIGKILL')
  expect(await ended).toEqual([null, 'SIGKILL'])

  const done = await rotated()
  expect(done).toBeLessThan(2_000)
  expect(await rotateKeys(world.runtime(`${newKey},${oldKey}`), () => {})).toBe(2_000 - done)
  expect(await rotateKeys(world.runtime(`${newKey},${oldKey}`), () => {})).toBe(0)
})

it('also encrypts what is on its way to its revocation', async () => {
  await using world = await worldWith(1)
  await world.sql`delete from public.integrations`
  expect(await rotateKeys(world.runtime(`${newKey},${oldKey}`), () => {})).toBe(0)
  const [revocation] = await world.sql<{ access_token_jwe: string }[]>`select access_token_jwe from patchbay.revocations`
  const { tokenKeys } = world.runtime(newKey).config
  expect(await decryptFor(secretOwner(world.ids[0]!, 'primary'), revocation!.access_token_jwe, tokenKeys)).toBe('access-1')
})

it('also encrypts the secrets of webhooks, and asks for their keys before it begins', async () => {
  await using world = await worldWith(1)
  const { sql } = world
  const ids = Array.from({ length: 250 }, () => randomUUID())
  for (const id of ids) {
    const secret = await encryptFor(webhookOwner(id), `secret of ${id}`, world.runtime(oldKey).config.tokenKeys)
    await sql`
      insert into patchbay.webhooks (id, integration_id, provider, endpoint_type, endpoint_config, plan_key, params, functions_url, secret_jwe)
      values (${id}::uuid, ${world.ids[0]!}::uuid, 'google-drive', 'google_drive', '{}', 'account', '{}', '', ${secret})`
  }
  await sql`delete from patchbay.secrets`
  await expect(requireAllKeys(world.runtime(newKey))).rejects.toMatchObject({ code: 'token_undecryptable' })
  expect(await rotateKeys(world.runtime(`${newKey},${oldKey}`), () => {})).toBe(250)
  await requireAllKeys(world.runtime(newKey))
  for (const { id, secret_jwe } of await sql<
    { id: string; secret_jwe: string }[]
  >`select id, secret_jwe from patchbay.webhooks`) {
    expect(await decryptFor(webhookOwner(id), secret_jwe, world.runtime(newKey).config.tokenKeys)).toBe(`secret of ${id}`)
  }
})

it('lets a refresh win that comes in between, and encrypts what that left', async () => {
  await using world = await worldWith(1)
  const runtime = world.runtime(`${newKey},${oldKey}`)
  let refreshes = 0
  const refresh = async (): Promise<void> => {
    refreshes += 1
    if (refreshes === 1) await world.sql`update patchbay.secrets set version = version + 1`
  }
  expect(await rotateKeys({ ...runtime, sql: afterListing(runtime, refresh) }, () => {})).toBe(1)
  expect(refreshes).toBeGreaterThan(1)
  expect(await keyIds(world)).toEqual([{ access: 'new', refresh: 'new' }])
})

it.each([
  ['missing', newKey],
  ['not the one that was used', `${newKey},${tokenKey('old')}`],
])('says so before it changes anything when the old key is %s', async (_what, keys) => {
  await using world = await worldWith(3)
  await expect(rotateKeys(world.runtime(keys), () => {})).rejects.toMatchObject({ code: 'token_undecryptable' })
  expect(await keyIds(world)).toEqual([{ access: 'old', refresh: 'old' }])
})

it.each([
  ['missing', newKey],
  ['not the one that was used', `${newKey},${tokenKey('old')}`],
])('is one clear error when a worker starts and a key is %s', async (_what, keys) => {
  await using world = await worldWith(1)
  const env = environment(world.url, keys)
  const failure: unknown = await promisify(execFile)(process.execPath, ['src/worker/main.ts'], { env }).catch((error) => error)
  expect(failure).toMatchObject({ code: 1, stderr: expect.stringContaining('Tokens encrypted with the key old cannot be read.') })
})

it('is a command that says what it has done', async () => {
  await using world = await worldWith(2)
  const env = environment(world.url, `${newKey},${oldKey}`)
  const { stdout } = await promisify(execFile)(process.execPath, ['src/worker/rotate-tokens.ts', '--json'], { env })
  expect(JSON.parse(stdout)).toEqual({ rotated: 2 })
})

function environment(databaseUrl: string, keys: string): Record<string, string> {
  return { ...completeEnv(), SUPABASE_DB_URL: databaseUrl, CONNECTOR_TOKEN_KEYS: keys }
}

/** Integrations whose tokens the old key encrypted. */
async function worldWith(integrations: number) {
  await using started = new AsyncDisposableStack()
  const database = started.use(await createTestDatabase())
  const sql = connect(database.url, 2)
  started.defer(() => sql.end())
  const runtime = (keys: string): TestRuntime => createRuntime(sql, { ...completeEnv(), CONNECTOR_TOKEN_KEYS: keys })
  const before = runtime(oldKey)
  const ids = await Promise.all(Array.from({ length: integrations }, () => storeIntegration(before, 3_600_000)))
  const running = started.move()
  return { sql, url: database.url, runtime, ids, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/** The runtime's pool, which runs `work` once the ciphertexts have been listed. */
function afterListing({ sql }: TestRuntime, work: () => PromiseLike<unknown>): TestRuntime['sql'] {
  return new Proxy(sql, {
    apply: (target, self, [text, ...values]: [TemplateStringsArray, ...never[]]) => {
      const query = Reflect.apply(target, self, [text, ...values]) as Promise<unknown>
      return text.join('').includes('order by integration_id') ? query.then(async (rows) => (await work(), rows)) : query
    },
  })
}

/** The access and the refresh token, read with this key alone. */
async function storedWith(
  world: { sql: TestRuntime['sql']; runtime: (keys: string) => TestRuntime },
  key: string,
  integrationId: string,
  name: string,
) {
  const { tokenKeys } = world.runtime(key).config
  const secret = await readSecret(world.sql, { integrationId, name })
  const jwes = [secret!.accessTokenJwe, secret!.refreshTokenJwe!]
  return Promise.all(jwes.map((jwe) => decryptFor(secretOwner(integrationId, name), jwe, tokenKeys)))
}

async function keyIds({ sql }: { sql: TestRuntime['sql'] }): Promise<unknown[]> {
  return [
    ...(await sql`
      select distinct patchbay.jwe_key_id(access_token_jwe) as access, patchbay.jwe_key_id(refresh_token_jwe) as refresh
      from patchbay.secrets`),
  ]
}
