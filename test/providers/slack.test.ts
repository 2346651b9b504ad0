import { describe, expect, it } from 'vitest'
import { readAccount } from '../../src/shared/providers/slack/account.ts'
import { provider } from '../../src/shared/providers/slack/definition.ts'
import { readTokenAnswer } from '../../src/shared/providers/slack/token-answer.ts'

const { api, lists } = provider
const bot = {
  access_token: 'xoxb-1',
  token_type: 'bot',
  scope: 'chat:write,commands',
  expires_in: 43_200,
  refresh_token: 'xoxe-1',
}
const user = { access_token: 'xoxp-1', token_type: 'user', scope: 'users:read' }

describe('a token answer', () => {
  it.each([
    ['invalid_code', 'invalid_grant'],
    ['code_already_used', 'invalid_grant'],
    ['invalid_refresh_token', 'invalid_grant'],
    ['token_revoked', 'invalid_grant'],
    ['bad_client_secret', 'invalid_client'],
    ['bad_redirect_uri', 'invalid_request'],
    ['ratelimited', 'temporarily_unavailable'],
    // Of no other name in OAuth.
    ['user_email_unverified', 'user_email_unverified'],
  ])('is the error %s as %s', (error, expected) => {
    expect(readTokenAnswer({ ok: false, error })).toEqual({ error: expected })
  })

  it('is the bot’s token, and the user’s beside it', () => {
    expect(readTokenAnswer({ ok: true, ...bot, authed_user: { id: 'U1', ...user } })).toMatchObject({
      token: { ...bot, token_type: 'Bearer' },
      others: { user: { ...user, token_type: 'Bearer' } },
    })
  })

  it('has no others when the app asked for the bot only', () => {
    expect(readTokenAnswer({ ok: true, ...bot, authed_user: { id: 'U1' } })).not.toHaveProperty('others')
  })

  it('is the user’s token when there is no bot', () => {
    const answer = readTokenAnswer({ ok: true, app_id: 'A1', access_token: null, authed_user: { id: null, ...user } })
    expect(answer).toEqual({ token: { id: null, ...user, token_type: 'Bearer' } })
  })

  it('is the refreshed token, whoever’s it is', () => {
    expect(readTokenAnswer({ ok: true, ...user, team: { id: 'T1' } })).toMatchObject({ token: { access_token: 'xoxp-1' } })
  })

  it('is left as it is when it is none of Slack’s', () => {
    expect(readTokenAnswer({ message: 'proxy' })).toEqual({ token: { message: 'proxy' } })
  })
})

describe('the account', () => {
  const workspace = { ok: true, team: 'Acme', team_id: 'T1', user_id: 'U9', is_enterprise_install: false }
  it.each([
    ['a bot’s workspace', { ...workspace, bot_id: 'B1' }, { id: 'T1', label: 'Acme' }],
    ['a workspace within an organization', { ...workspace, bot_id: 'B1', enterprise_id: 'E1' }, { id: 'T1', label: 'Acme' }],
    [
      'an organization',
      { ...workspace, team_id: 'E1', bot_id: 'B1', enterprise_id: 'E1', is_enterprise_install: true },
      { id: 'E1', label: 'Acme' },
    ],
    [
      'an organization without a team',
      { ok: true, user_id: 'U9', bot_id: 'B1', enterprise_id: 'E1', is_enterprise_install: true },
      { id: 'E1', label: 'E1' },
    ],
    [
      'a workspace without a name',
      { ...workspace, team: null, bot_id: 'B1', is_enterprise_install: null },
      { id: 'T1', label: 'T1' },
    ],
    ['a user whose token is no bot’s', { ...workspace, bot_id: null }, { id: 'T1:U9', label: 'Acme' }],
    ['a user of a workspace', workspace, { id: 'T1:U9', label: 'Acme' }],
  ])('is %s', (_, body, expected) => {
    expect(readAccount(body)).toEqual(expected)
  })
})

describe('an answer of the API', () => {
  it.each([
    [{ ok: true }, undefined],
    [{ ok: false, error: 'invalid_auth' }, 'invalid_auth'],
    [{ ok: false }, 'unknown_error'],
    ['<html>', undefined],
  ])('%j has the reason %s', (body, reason) => {
    expect(api.reason(body)).toBe(reason)
  })

  it('makes us wait 30 s when Slack limits requests without saying for how long', () => {
    const headers = new Headers()
    const wait = (error: string) => api.retryAfterMs({ status: 200, headers, body: { ok: false, error } })
    expect([wait('ratelimited'), wait('rate_limited'), wait('internal_error')]).toEqual([30_000, 30_000, undefined])
    expect(api.retryAfterMs({ status: 429, headers, body: undefined })).toBe(30_000)
  })
})

describe('a list', () => {
  type List = (typeof lists)['users']

  /** What is asked for after this page. */
  function readPage(list: List, body: unknown, cursor: string | null) {
    const { items, next } = list.read(body, { headers: new Headers(), cursor })
    const { path, query } = list.request(next)
    return { items, next, asks: next === null ? null : `${path} ${query?.['team_id'] ?? '-'} ${query?.['cursor'] ?? '-'}` }
  }

  const page = (next_cursor: string | null, more: object) => ({ ok: true, ...more, response_metadata: { next_cursor } })
  const firstPage = (list: List) => readPage(list, { ok: true, user_id: 'U9', is_enterprise_install: false }, null)

  it('is that of the workspace, once Slack has said that the token is of one', () => {
    expect(lists.users.request(null)).toEqual({ path: '/auth.test' })
    expect(firstPage(lists.users)).toMatchObject({ items: [], asks: '/users.list - -' })
  })

  it('of an organization is those of its workspaces, whose names are in the labels', () => {
    const first = readPage(lists.users, { ok: true, user_id: 'U9', is_enterprise_install: true }, null)
    expect(first).toMatchObject({ items: [], asks: '/auth.teams.list - -' })
    const teams = readPage(lists.users, page('dGVh', { teams: [{ id: 'T1', name: 'Acme' }] }), first.next)
    expect(teams).toMatchObject({ items: [], asks: '/auth.teams.list - dGVh' })
    const all = readPage(lists.users, page('', { teams: [{ id: 'T2', name: null }] }), teams.next)
    expect(all).toMatchObject({ items: [], asks: '/users.list T1 -' })

    const one = readPage(lists.users, page('dXNl', { members: [{ id: 'U1', name: 'ana' }] }), all.next)
    expect(one).toMatchObject({ items: [{ id: 'U1', label: 'ana (Acme)' }], asks: '/users.list T1 dXNl' })
    const two = readPage(lists.users, page('', { members: [] }), one.next)
    expect(two).toMatchObject({ items: [], asks: '/users.list T2 -' })
    const three = readPage(lists.users, page('', { members: [{ id: 'U2', name: 'bo' }] }), two.next)
    expect(three).toMatchObject({ items: [{ id: 'U2', label: 'bo (T2)' }], next: null })
  })

  it('of an organization without workspaces is empty', () => {
    const first = readPage(lists.channels, { ok: true, user_id: 'U9', is_enterprise_install: true }, null)
    expect(readPage(lists.channels, page('', { teams: [] }), first.next)).toMatchObject({ items: [], next: null })
  })

  it('of users has people only, and ends with an empty cursor', () => {
    const members = [
      { id: 'USLACKBOT', name: 'slackbot', is_bot: false },
      { id: 'U1', name: 'ana', real_name: 'Ana Almeida' },
      { id: 'U2', name: 'helper', is_bot: true },
      { id: 'U3', deleted: true },
      { id: 'U4', name: 'bilal', real_name: '' },
      { id: 'U5', team_id: null, name: null, real_name: null, deleted: null, is_bot: null, profile: null },
    ]
    const { next } = firstPage(lists.users)
    expect(readPage(lists.users, page('', { members }), next)).toMatchObject({
      items: [
        { id: 'U1', label: 'Ana Almeida' },
        { id: 'U4', label: 'bilal' },
        { id: 'U5', label: 'U5' },
      ],
      next: null,
    })
    expect(readPage(lists.users, page('dXNl', { members }), next).asks).toBe('/users.list - dXNl')
  })

  it('of channels has those without a name too', () => {
    const channels = [
      { id: 'C1', name: 'general' },
      { id: 'C2', name: null, is_archived: null },
    ]
    const { next } = firstPage(lists.channels)
    expect(readPage(lists.channels, page(null, { channels }), next)).toMatchObject({
      items: [
        { id: 'C1', label: '#general' },
        { id: 'C2', label: 'C2' },
      ],
      next: null,
    })
  })
})
