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
    const wait = (error: string) => api.retryAfterMs({ headers: new Headers(), body: { ok: false, error } })
    expect([wait('ratelimited'), wait('rate_limited'), wait('internal_error')]).toEqual([30_000, 30_000, undefined])
  })
})

describe('a list', () => {
  it('of users has people only, and ends with an empty cursor', () => {
    const members = [
      { id: 'USLACKBOT', name: 'slackbot', is_bot: false },
      { id: 'U1', name: 'ana', real_name: 'Ana Almeida' },
      { id: 'U2', name: 'helper', is_bot: true },
      { id: 'U3', deleted: true },
      { id: 'U4', name: 'bilal', real_name: '' },
      { id: 'U5', team_id: null, name: null, real_name: null, deleted: null, is_bot: null, profile: null },
    ]
    const page = (next_cursor: string) => lists.users.read({ ok: true, members, response_metadata: { next_cursor } })
    expect(page('')).toEqual({
      items: [
        { id: 'U1', label: 'Ana Almeida' },
        { id: 'U4', label: 'bilal' },
        { id: 'U5', label: 'U5' },
      ],
      next: null,
    })
    expect(page('dXNl').next).toBe('dXNl')
  })

  it('of channels has those without a name too', () => {
    const channels = [
      { id: 'C1', name: 'general' },
      { id: 'C2', name: null, is_archived: null },
    ]
    expect(lists.channels.read({ ok: true, channels, response_metadata: { next_cursor: null } })).toEqual({
      items: [
        { id: 'C1', label: '#general' },
        { id: 'C2', label: 'C2' },
      ],
      next: null,
    })
  })
})
