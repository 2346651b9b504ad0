import { expect, it } from 'vitest'
import { connect } from '../../src/shared/db/connection.ts'
import { appTokenSource } from '../../src/shared/oauth/app-tokens.ts'
import { answer, completeEnv, createRuntime, startTokenServer, testProvider, tokenBody, type TokenEndpoint } from './support.ts'

/** `access-1`, `access-2` and so on. */
const counting = (): TokenEndpoint => {
  let count = 0
  return (...request) => answer(tokenBody((count += 1)))(...request)
}

const id = { scopes: ['data:read', 'data:write'], clientId: undefined }

it('asks once for all who come, with the scopes that are wanted, and keeps the token for its life', async () => {
  await using world = await startWorld(counting())
  const source = () => appTokenSource(world.runtime, testProvider, id)
  const tokens = await Promise.all(Array.from({ length: 20 }, () => source().get()))
  expect(new Set(tokens.map(({ accessToken }) => accessToken))).toEqual(new Set(['access-1']))
  expect(world.forms).toHaveLength(1)
  expect(Object.fromEntries(world.forms[0]!)).toMatchObject({
    grant_type: 'client_credentials',
    scope: 'data:read data:write',
    client_id: 'test-client',
  })

  world.clock.ms += 3_600_000 - 61_000
  expect(await source().get()).toMatchObject({ accessToken: 'access-1' })
  world.clock.ms += 2_000
  expect(await source().get()).toMatchObject({ accessToken: 'access-2' })
})

it('asks anew for a token that was refused, once', async () => {
  await using world = await startWorld(counting())
  const source = appTokenSource(world.runtime, testProvider, id)
  const { version } = await source.get()
  const renewed = await Promise.all([source.renew(version, 'refused'), source.renew(version, 'refused')])
  expect(renewed.map(({ accessToken }) => accessToken)).toEqual(['access-2', 'access-2'])
  expect(await source.get()).toMatchObject({ accessToken: 'access-2' })
  expect(world.forms).toHaveLength(2)
})

it('keeps no failure', async () => {
  await using world = await startWorld(answer({}, 503), answer({}, 503), answer({}, 503), counting())
  const source = appTokenSource(world.runtime, testProvider, id)
  await expect(source.get()).rejects.toMatchObject({ outcome: 'transient' })
  while (world.forms.length < 3) await source.get().catch(() => {})
  expect(await source.get()).toMatchObject({ accessToken: 'access-1' })
})

it('tells apps and scopes apart', async () => {
  await using world = await startWorld(counting())
  const further = { ...id, clientId: 'further-app' }
  expect(await appTokenSource(world.runtime, testProvider, id).get()).toMatchObject({ accessToken: 'access-1' })
  expect(await appTokenSource(world.runtime, testProvider, further).get()).toMatchObject({ accessToken: 'access-2' })
  const fewer = { ...id, scopes: ['data:read'] }
  expect(await appTokenSource(world.runtime, testProvider, fewer).get()).toMatchObject({ accessToken: 'access-3' })
  expect(world.forms[1]?.get('client_id')).toBe('further-app')
})

async function startWorld(...answers: [TokenEndpoint, ...TokenEndpoint[]]) {
  const server = await startTokenServer(...answers)
  const sql = connect('postgresql://postgres@127.0.0.1:1/none', 1)
  const clock = { ms: Date.now() }
  const env = {
    ...completeEnv(),
    CONNECTOR_SANDBOX_URL: server.url,
    'TEST_CLIENT_SECRET_further-app': 'test-client-secret',
  }
  const runtime = createRuntime(sql, env, { now: () => clock.ms })
  return { runtime, clock, forms: server.forms, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}
