import { inspect } from 'node:util'
import { UnsecuredJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/shared/config.ts'
import { refreshTokens } from '../../src/shared/oauth/client.ts'
import type { AuthDefinition, JsonObject } from '../../src/shared/providers/define.ts'
import type { Runtime } from '../../src/shared/runtime.ts'
import { answer, completeEnv, secretsIn, startTokenServer, testProvider, tokenBody } from './support.ts'

const now = Date.UTC(2026, 10, 21)
const minuteMs = 60_000

/** What comes of a token answer, at a provider with these facts. */
async function read(changes: Partial<AuthDefinition>, body: JsonObject, { status = 200, date = now } = {}) {
  await using server = await startTokenServer(answer(body, status, { date: new Date(date).toUTCString() }))
  const config = readConfig({ ...completeEnv(), CONNECTOR_SANDBOX_URL: server.url })
  // Nothing here touches the database.
  const runtime = { config, fetch, now: () => now } as Runtime
  const definition = { ...testProvider, auth: { ...testProvider.auth, ...changes } }
  return await refreshTokens(runtime, definition, 'refresh-1')
}

const without = (name: string) => Object.fromEntries(Object.entries(tokenBody(1)).filter(([key]) => key !== name))

describe('how long a token lives', () => {
  const jwt = (claims: JsonObject) => ({ ...without('expires_in'), access_token: new UnsecuredJWT({ ...claims }).encode() })
  const inOneHour = (now + 60 * minuteMs) / 1000

  it.each<[string, AuthDefinition['lifetimeIfUnsaid'], JsonObject, number | null]>([
    ['the answer says', 'unlimited', tokenBody(1), 60],
    ['the answer says as text', 'unlimited', { ...tokenBody(1), expires_in: '60' }, 1],
    ['the answer says, whatever the provider usually gives', 1800, tokenBody(1), 60],
    ['the provider always gives', 1800, without('expires_in'), 30],
    ['it takes until it is revoked', 'unlimited', without('expires_in'), null],
    ['its claim says', 'jwt', jwt({ exp: inOneHour }), 60],
    ['nobody says, as its claims do not', 'jwt', jwt({ sub: 'account-1' }), null],
    ['nobody says, as it has no claims', 'jwt', without('expires_in'), null],
    ['its claim says, which is over', 'jwt', jwt({ exp: inOneHour - 7200 }), 0],
  ])('is as long as %s', async (_what, lifetimeIfUnsaid, body, minutes) => {
    const { token } = await read({ lifetimeIfUnsaid }, body)
    expect(token.expiresAt).toBe(minutes === null ? null : now + minutes * minuteMs)
  })

  it.each([5, -5])('is right when the clock of the provider is off by %i minutes', async (minutes) => {
    const offMs = minutes * minuteMs
    const { token } = await read({ lifetimeIfUnsaid: 'jwt' }, jwt({ exp: inOneHour + offMs / 1000 }), { date: now + offMs })
    expect(token.expiresAt).toBe(now + 60 * minuteMs)
  })

  it.each([
    [3600, 45],
    // Half of a short life: 15 minutes before its end it would be due at once.
    [60, 0.5],
  ])('of %i seconds makes its refresh due after %f minutes', async (seconds, minutes) => {
    const { token } = await read({}, { ...tokenBody(1), expires_in: seconds })
    expect(token.refreshDueAt).toBe(now + minutes * minuteMs)
  })
})

it.each<[AuthDefinition['scopeSeparator'], unknown, string[] | null]>([
  [undefined, 'read write', ['read', 'write']],
  [',', 'read,write', ['read', 'write']],
  [',', '', []],
  [undefined, undefined, null],
])('separates scopes with %j: %j are %j', async (scopeSeparator, scope, scopes) => {
  const { token } = await read(scopeSeparator === undefined ? {} : { scopeSeparator }, { ...tokenBody(1), scope })
  expect(token.scopes).toEqual(scopes)
})

describe("a token answer of the provider's own form", () => {
  it('may hold several tokens, each with its own life and scopes', async () => {
    const readTokenAnswer = ({ bot, user }: JsonObject) => ({ token: bot as JsonObject, others: { user: user as JsonObject } })
    const body = { bot: { ...tokenBody(1), scope: 'read' }, user: { ...tokenBody(2), scope: 'write', expires_in: 60 } }
    expect(await read({ readTokenAnswer }, body)).toMatchObject({
      token: { accessToken: 'access-1', refreshToken: 'refresh-1', scopes: ['read'], expiresAt: now + 60 * minuteMs },
      others: { user: { accessToken: 'access-2', refreshToken: 'refresh-2', scopes: ['write'], expiresAt: now + minuteMs } },
    })
  })

  it.each([
    ['invalid_grant', 200, 'needs_reauth'],
    ['invalid_grant', 400, 'needs_reauth'],
    ['invalid_client', 200, 'client_rejected'],
    ['temporarily_unavailable', 400, 'provider_unavailable'],
    ['something_new', 200, 'provider_rejected'],
    // A failing server is not believed.
    ['invalid_grant', 500, 'provider_unavailable'],
  ])('that means %s with status %i is %s', async (error, status, code) => {
    const refused = read({ readTokenAnswer: () => ({ error }) }, tokenBody(1), { status })
    await expect(refused).rejects.toSatisfy((thrown) => secretsIn(inspect(thrown, { depth: 10, showHidden: true })).length === 0)
    await expect(refused).rejects.toMatchObject({ code })
  })

  it('that holds no token is called what it is', async () => {
    const failed = read({ readTokenAnswer: (token) => ({ token, others: { user: {} } }) }, tokenBody(1))
    await expect(failed).rejects.toMatchObject({ code: 'provider_answer_invalid' })
  })
})
