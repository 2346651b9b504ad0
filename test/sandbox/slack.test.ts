import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { approveConsent } from '../../src/sandbox/consent.ts'
import { startSandbox } from '../../src/sandbox/server.ts'
import type { ProviderApi } from '../../src/shared/http/provider-api.ts'
import { listItems } from '../../src/shared/providers/lists.ts'
import { findProvider } from '../../src/shared/providers/registry.ts'

type Query = Record<string, string>

const redirectUri = 'http://127.0.0.1:9999/callback'
const client = { client_id: 'sandbox-client', client_secret: 'sandbox-secret', redirect_uri: redirectUri }

const Parts = z.object({ access_token: z.string(), refresh_token: z.string().default(''), expires_in: z.number().optional() })
const Teams = z.object({ teams: z.array(z.object({ id: z.string() })) })
const Members = z.object({
  members: z.array(z.looseObject({ id: z.string() })),
  response_metadata: z.object({ next_cursor: z.string() }),
})

/** A sandbox, and an app that uses it. */
async function open() {
  const sandbox = await startSandbox()
  const { url } = sandbox
  const admin = sandboxClient(url)
  const code = async (query: Query, account?: string) => {
    const authorize = new URLSearchParams({ client_id: client.client_id, redirect_uri: redirectUri, ...query })
    const choice = account === undefined ? {} : { account }
    const callback = await approveConsent(`${url}/slack.com/oauth/v2/authorize?${authorize.toString()}`, choice)
    return new URL(callback).searchParams.get('code') ?? ''
  }
  const token = async (form: Query): Promise<unknown> => {
    const answer = await fetch(`${url}/slack.com/api/oauth.v2.access`, {
      method: 'POST',
      body: new URLSearchParams({ ...client, ...form }),
    })
    expect(answer.status).toBe(200)
    return answer.json()
  }
  const install = async (query: Query = { scope: 'users:read,channels:read' }, account?: string) =>
    token({ code: await code(query, account) })
  const call = async (
    bearer: string,
    method: string,
    query: Query = {},
    init: { method?: string; body?: string; headers?: Query } = {},
  ): Promise<unknown> => {
    const answer = await fetch(`${url}/slack.com/api/${method}?${new URLSearchParams(query).toString()}`, {
      ...init,
      headers: { ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }), ...init.headers },
    })
    expect(answer.status).toBe(200)
    return answer.json()
  }
  return { ...sandbox, admin, control: admin.control('slack'), code, token, install, call }
}

describe('installing', () => {
  it('gives the bot a token, and the person another', async () => {
    await using slack = await open()
    const answer = await slack.install({ scope: 'users:read,commands', user_scope: 'users:read' })
    expect(answer).toMatchObject({
      ok: true,
      token_type: 'bot',
      scope: 'users:read,commands',
      team: { name: 'Harbour Builders' },
      enterprise: null,
      authed_user: { token_type: 'user', scope: 'users:read' },
    })
    expect(answer).not.toHaveProperty('expires_in')
  })

  it('puts everything into authed_user when only the person’s scopes are asked for', async () => {
    await using slack = await open()
    const answer = await slack.install({ user_scope: 'users:read' })
    expect(answer).toMatchObject({ ok: true, authed_user: { access_token: expect.stringMatching(/^xoxp-/) } })
    for (const name of ['access_token', 'token_type', 'scope']) expect(answer).not.toHaveProperty(name)
  })

  it('has no team when it is for a whole organization, whose token must name a workspace', async () => {
    await using slack = await open()
    const answer = await slack.install(undefined, 'kim@example.org')
    expect(answer).toMatchObject({ team: null, enterprise: { id: 'E05GR1DSK' }, is_enterprise_install: true })
    const { access_token } = Parts.parse(answer)
    expect(await slack.call(access_token, 'auth.test')).toMatchObject({ enterprise_id: 'E05GR1DSK', is_enterprise_install: true })
    expect(await slack.call(access_token, 'users.list')).toMatchObject({ ok: false, error: 'missing_argument' })
    const { teams } = Teams.parse(await slack.call(access_token, 'auth.teams.list'))
    expect(teams.map(({ id }) => id)).toEqual(['T05MC1HQR', 'T05MC8PLN'])
    for (const { id: team_id } of teams) {
      const listed = Members.parse(await slack.call(access_token, 'users.list', { team_id }))
      expect(listed.members[0]).toMatchObject({ team_id })
    }
    const elsewhere = await slack.call(access_token, 'users.list', { team_id: 'T06HB2QK9' })
    expect(elsewhere).toEqual({ ok: false, error: 'team_access_not_granted' })
  })

  it.each([
    ['users', ['Kim Lindqvist (Meridian Head Office)', 'Sam Okafor (Meridian Site Operations)']],
    ['channels', ['#general (Meridian Head Office)', '#general (Meridian Site Operations)']],
  ])('for a whole organization gives the definition the %s of all its workspaces', async (list, some) => {
    await using slack = await open()
    await slack.control.fill('kim@example.org', 250)
    await slack.admin.addFault({ match: { path: '/api/auth.teams.list' }, fault: { type: 'short-page', items: 1 } })
    const { access_token } = Parts.parse(await slack.install(undefined, 'kim@example.org'))
    const send: ProviderApi['send'] = async ({ path, query = {} }) => {
      const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
      return { body: await slack.call(access_token, path.slice(1), Object.fromEntries(given)), headers: new Headers() }
    }
    const get = () => Promise.reject(new Error('Lists are sent for.'))
    const items = await listItems({ send, get, usage: { requests: 0, bytes: 0 } }, findProvider('slack'), list)
    expect(items.map(({ label }) => label)).toEqual(expect.arrayContaining(some))
    expect(items.filter(({ label }) => label.endsWith('(Meridian Head Office)')).length).toBeGreaterThanOrEqual(250)
  })

  it('again yields the same token for the bot, until it is revoked', async () => {
    await using slack = await open()
    const first = Parts.parse(await slack.install())
    expect(Parts.parse(await slack.install())).toEqual(first)
    expect(await slack.call(first.access_token, 'auth.revoke', { test: '1' })).toEqual({ ok: true, revoked: false })
    expect(await slack.call(first.access_token, 'auth.revoke', {}, { method: 'POST' })).toEqual({ ok: true, revoked: true })
    expect(await slack.call(first.access_token, 'auth.test')).toEqual({ ok: false, error: 'token_revoked' })
    expect(await slack.control.liveGrants('pat@example.com')).toBe(0)
    expect(Parts.parse(await slack.install()).access_token).not.toBe(first.access_token)
  })

  it.each([
    ['a verifier', { code_verifier: 'v'.repeat(43) }, 'pkce_not_allowed'],
    ['a wrong secret', { client_secret: 'wrong' }, 'bad_client_secret'],
    ['another redirect URI', { redirect_uri: 'http://127.0.0.1:1/' }, 'bad_redirect_uri'],
    ['a wrong code', { code: 'wrong' }, 'invalid_code'],
  ])('is refused for %s, with status 200', async (_, form, error) => {
    await using slack = await open()
    expect(await slack.token({ code: await slack.code({ scope: 'commands' }), ...form })).toEqual({ ok: false, error })
  })
})

describe('token rotation', () => {
  it('replaces tokens, with a short grace for the refresh token and two living access tokens', async () => {
    await using slack = await open()
    await slack.control.configure({ rotation: true })
    const refresh = (value: string) => slack.token({ grant_type: 'refresh_token', refresh_token: value })
    const first = Parts.parse(await slack.install())
    expect(first).toMatchObject({ expires_in: 43_200, refresh_token: expect.stringMatching(/^xoxe-1-/) })
    const second = Parts.parse(await refresh(first.refresh_token))
    expect(await slack.call(first.access_token, 'auth.test')).toMatchObject({ ok: true })
    const third = Parts.parse(await refresh(second.refresh_token))
    expect(await slack.call(first.access_token, 'auth.test')).toEqual({ ok: false, error: 'token_revoked' })
    expect(await slack.call(second.access_token, 'auth.test')).toMatchObject({ ok: true })

    expect(await refresh(second.refresh_token)).toMatchObject({ ok: true })
    await slack.admin.setClockSkew(61)
    expect(await refresh(second.refresh_token)).toEqual({ ok: false, error: 'invalid_refresh_token' })
    expect(await refresh(third.refresh_token)).toMatchObject({ ok: true, token_type: 'bot' })
  })

  it('refreshes the person’s token apart from the bot’s', async () => {
    await using slack = await open()
    await slack.control.configure({ rotation: true })
    const answer = await slack.install({ scope: 'users:read', user_scope: 'team:read' })
    const { authed_user } = z.object({ authed_user: Parts }).parse(answer)
    const refreshed = await slack.token({ grant_type: 'refresh_token', refresh_token: authed_user.refresh_token })
    expect(refreshed).toMatchObject({
      token_type: 'user',
      scope: 'team:read',
      access_token: expect.stringMatching(/^xoxe\.xoxp-1-/),
    })
  })
})

describe('the Web API', () => {
  it('says no with status 200', async () => {
    await using slack = await open()
    expect(await slack.call('', 'auth.test')).toEqual({ ok: false, error: 'not_authed' })
    expect(await slack.call('xoxb-wrong', 'auth.test')).toEqual({ ok: false, error: 'invalid_auth' })
    const { access_token } = Parts.parse(await slack.install({ scope: 'users:read,commands' }))
    expect(await slack.call(access_token, 'conversations.list')).toEqual({
      ok: false,
      error: 'missing_scope',
      needed: 'channels:read',
      provided: 'users:read,commands',
    })
    expect(await slack.call(access_token, 'users.list', { cursor: 'nonsense' })).toEqual({ ok: false, error: 'invalid_cursor' })
    await slack.control.expireAccessTokens()
    expect(await slack.call(access_token, 'auth.test')).toEqual({ ok: false, error: 'token_expired' })
  })

  it('pages by cursor, through empty pages too, and gives addresses only to those who may see them', async () => {
    await using slack = await open()
    await slack.control.fill('pat@example.com', 25)
    const { access_token } = Parts.parse(await slack.install())
    await slack.admin.addFault({ match: { path: '/api/users.list' }, fault: { type: 'empty-page' }, skip: 1 })
    const sizes: number[] = []
    const ids = new Set<string>()
    let cursor = ''
    do {
      const body = await slack.call(access_token, 'users.list', { limit: '10', cursor })
      const { members, response_metadata } = Members.parse(body)
      sizes.push(members.length)
      for (const { id } of members) ids.add(id)
      expect(JSON.stringify(members)).not.toContain('@example.com')
      cursor = response_metadata.next_cursor
    } while (cursor !== '')
    expect(sizes).toEqual([10, 0, 10, 9])
    expect(ids.size).toBe(29)
    expect(ids).toContain('USLACKBOT')
  })

  it('warns of JSON without a charset', async () => {
    await using slack = await open()
    const { access_token } = Parts.parse(await slack.install())
    const json = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }
    expect(await slack.call(access_token, 'auth.test', {}, json)).toMatchObject({
      warning: 'missing_charset',
      response_metadata: { warnings: ['missing_charset'] },
    })
  })

  it('limits requests with 429, and at times with 200', async () => {
    await using slack = await open()
    const url = `${slack.url}/slack.com/api/users.list`
    await slack.admin.addFault({ fault: { type: 'rate-limit', retryAfterSeconds: 1 } })
    const limited = await fetch(url)
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '1'])
    expect(await limited.json()).toEqual({ ok: false, error: 'ratelimited' })
    await slack.admin.addFault({ fault: { type: 'quota' } })
    const answer = await fetch(url)
    expect([answer.status, await answer.json()]).toEqual([200, { ok: false, error: 'rate_limited' }])
  })
})
