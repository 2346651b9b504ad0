import { describe, expect, it } from 'vitest'
import { provider } from '../../src/shared/providers/outlook/definition.ts'

const { auth, api, lists, account, variables } = provider

describe('a token answer', () => {
  it.each([
    ['Calendars.Read User.Read profile openid email', 'Calendars.Read User.Read profile openid email'],
    ['https://graph.microsoft.com/Calendars.Read https://graph.microsoft.com/User.Read', 'Calendars.Read User.Read'],
    ['calendars.read user.read', 'Calendars.Read User.Read'],
    ['HTTPS://graph.microsoft.com/CALENDARS.READ openid', 'Calendars.Read openid'],
    ['https://graph.microsoft.com/Calendars.ReadWrite', 'Calendars.ReadWrite'],
  ])('names the scopes of %j as they were asked for', (scope, named) => {
    const body = { token_type: 'Bearer', access_token: 'EwB', expires_in: 3599, scope }
    expect(auth.readTokenAnswer(body)).toEqual({ token: { ...body, scope: named } })
  })

  it('may be without scopes', () => {
    expect(auth.readTokenAnswer({ access_token: 'EwB' })).toEqual({ token: { access_token: 'EwB' } })
  })

  it('is an error by its `error` alone', () => {
    const body = { error: 'invalid_grant', error_description: 'AADSTS700082: …', error_codes: [700082], suberror: 'bad_token' }
    expect(auth.readTokenAnswer(body)).toEqual({ error: 'invalid_grant' })
    const odd = { error: 'invalid_grant', error_description: null, error_codes: ['700082'], suberror: null }
    expect(auth.readTokenAnswer(odd)).toEqual({ error: 'invalid_grant' })
  })
})

describe('the calendars', () => {
  const next = 'https://graph.microsoft.com/v1.0/me/calendars?%24top=100&%24skiptoken=a%2Fb'

  it('go on at the address that Microsoft names, as it is, also after an empty page', () => {
    expect(lists.calendars.read({ value: [], '@odata.nextLink': next })).toEqual({ items: [], next })
    expect(lists.calendars.request(next)).toEqual({ path: next })
  })

  it('end with the page that has no next address; one without a name goes by its id', () => {
    const value = [
      { id: 'AAkA=', name: 'Calendar' },
      { id: 'AAkB=', name: null },
    ]
    const items = [
      { id: 'AAkA=', label: 'Calendar' },
      { id: 'AAkB=', label: 'AAkB=' },
    ]
    expect(lists.calendars.read({ value })).toEqual({ items, next: null })
  })

  it.each([{}, { value: null }, { error: { code: 'BadRequest' } }])('are not read from %j', (body) => {
    expect(() => lists.calendars.read(body)).toThrow()
  })
})

it.each([
  [{ id: '1f', mail: 'a@example.com', userPrincipalName: 'b@example.com' }, 'a@example.com'],
  [{ id: '1f', mail: null, userPrincipalName: 'b@example.com' }, 'b@example.com'],
  [{ id: '1f', mail: null, userPrincipalName: null, displayName: 'B' }, 'B'],
])('the account %j is recognised by its address', (body, label) => {
  expect(account.read(body)).toEqual({ id: '1f', label })
})

it.each([
  [
    { error: { code: 'ApplicationThrottled', message: 'Application is over its MailboxConcurrency limit.' } },
    'ApplicationThrottled',
  ],
  [{ error: { code: 'ErrorItemNotFound', message: null } }, 'ErrorItemNotFound'],
  [{ error: { code: '', message: '' } }, undefined],
  [{ error: 'invalid_grant' }, undefined],
  [{ value: [] }, undefined],
  [undefined, undefined],
])('the reason of %j is %s', (body, reason) => {
  expect(api.reason(body)).toBe(reason)
})

it.each([
  ['common', true],
  ['organizations', true],
  ['consumers', true],
  ['9188040d-6c67-4c5b-b112-36a304b66dad', true],
  ['contoso.onmicrosoft.com', true],
  ['', false],
  ['contoso', false],
  ['common/../evil', false],
  ['evil.com/', false],
  ['evil.com#', false],
])('the tenant %j is allowed: %s', (tenant, allowed) => {
  expect(variables.MICROSOFT_TENANT_ID.pattern.test(tenant)).toBe(allowed)
})

it.each([
  ['https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0', true],
  ['https://login.microsoftonline.com/common/v2.0', false],
  ['https://login.microsoftonline.com.evil.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0', false],
])('the issuer %s is Microsoft: %s', (issuer, ours) => {
  expect(auth.issuer.test(issuer)).toBe(ours)
})
