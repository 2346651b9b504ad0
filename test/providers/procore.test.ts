import { describe, expect, it } from 'vitest'
import { provider } from '../../src/shared/providers/procore/definition.ts'

const { api, lists, account } = provider
const companies = 'https://api.procore.com/rest/v1.0/companies'

describe('a refusal', () => {
  it.each([
    [{ errors: ['App is not connected to this company.'] }, 'app_not_connected'],
    [{ errors: 'App is not connected to this company' }, 'app_not_connected'],
    [{ errors: { base: ['App is not connected to this company.'] } }, 'app_not_connected'],
    [{ errors: 'Missing Procore-Company-Id header! Each call your application makes…' }, 'company_header_missing'],
    [{ message: 'The access token is invalid' }, 'access_token_invalid'],
    [{ error: 'invalid_token', error_description: 'The access token expired' }, 'invalid_token'],
    [{ error: { code: '404', message: 'Not found', details: [] } }, '404'],
    [{ errors: ['App is not connected to this company.'], message: null, error: null }, 'app_not_connected'],
    [{ error: { code: null, message: 'App is not connected to this company.' } }, 'app_not_connected'],
    [{ message: 'The access token is invalid', error: 401 }, 'access_token_invalid'],
    [{ error: { code: '404', message: null } }, '404'],
    [{ error: { code: null, message: null } }, undefined],
    [{ errors: { assignees: ['required'] } }, undefined],
    [{ errors: null }, undefined],
    [[{ id: 8089, name: 'Example Builders' }], undefined],
    ['You have surpassed the max number of requests for an hour.', undefined],
    [undefined, undefined],
  ])('of the form %j has the reason %s', (body, reason) => {
    expect(api.reason(body)).toBe(reason)
  })

  it.each([
    [{ 'x-rate-limit-reset': '1466182244', 'x-rate-limit-remaining': '0' }, 4_000],
    [{ 'x-rate-limit-reset': '1466182244' }, 4_000],
    // Procore's clock is a minute behind ours.
    [{ 'x-rate-limit-reset': '1466182244', date: 'Fri, 17 Jun 2016 16:49:40 GMT' }, 64_000],
    [{ 'x-rate-limit-reset': '1466182200', 'x-rate-limit-remaining': '0' }, 0],
    [{ 'x-rate-limit-reset': '1466182244', 'x-rate-limit-remaining': '12' }, undefined],
    [{ 'x-rate-limit-reset': 'soon' }, undefined],
    [{}, undefined],
  ])('with the headers %j asks for %s ms', (headers, ms) => {
    expect(api.retryAfterMs({ status: 429, headers: new Headers(headers), body: undefined }, 1_466_182_240_000)).toBe(ms)
  })
})

describe('the companies', () => {
  const read = (link: string | null, cursor: string | null = null, body: unknown = []) =>
    lists.companies.read(body, { headers: new Headers(link === null ? {} : { link }), cursor })

  it('go on with the query that Link calls next, whatever page size it has', () => {
    const link = `<${companies}?page=1&per_page=5>; rel="first", <${companies}?page=30&per_page=5>; rel="last", <${companies}?page=4&per_page=5>; rel="next",`
    expect(read(link).next).toBe('page=4&per_page=5')
    expect(lists.companies.request('page=4&per_page=5')).toEqual({
      path: '/rest/v1.0/companies',
      query: { page: '4', per_page: '5' },
    })
  })

  it.each([null, '', `<${companies}?page=1&per_page=5>; rel="first", <${companies}?page=29>; rel="prev"`])(
    'end where Link is %j',
    (link) => {
      expect(read(link).next).toBeNull()
    },
  )

  it.each([`<${companies}?page=4>; rel="next"`, `<${companies}>; rel="next"`])('do not go on with %j from page 4', (link) => {
    expect(() => read(link, 'page=4')).toThrow()
  })

  it('have ids of any size, as text', () => {
    const body = [
      { id: 598_134_325_779_301, name: 'Northside Civil' },
      { id: '8089', name: 'Example Builders', is_active: null },
    ]
    expect(read(null, null, body).items).toEqual([
      { id: '598134325779301', label: 'Northside Civil' },
      { id: '8089', label: 'Example Builders' },
    ])
    expect(() => read(null, null, { errors: [] })).toThrow()
  })
})

it.each([
  [{ id: 1234, login: 'pat@example.com', name: null }, 'pat@example.com'],
  [{ id: 1234, name: 'Pat' }, 'Pat'],
  [{ id: 1234 }, '1234'],
])('the account %j is recognised by its address, if it has one', (body, label) => {
  expect(account.read(body)).toEqual({ id: '1234', label })
})
