import { describe, expect, it } from 'vitest'
import { provider } from '../../src/shared/providers/google-calendar/definition.ts'

const { api, lists, account } = provider

describe('the calendars', () => {
  it('go on with the page token, also after an empty page', () => {
    const page = { kind: 'calendar#calendarList', nextPageToken: 'EiUKC' }
    expect(lists.calendars.read(page)).toEqual({ items: [], next: 'EiUKC' })
    expect(lists.calendars.request('EiUKC').query).toEqual({ maxResults: '250', pageToken: 'EiUKC' })
  })

  it('have the name that the account gave them, or their own, or none', () => {
    const items = [
      { id: 'a', summary: 'Owner', summaryOverride: 'Work' },
      { id: 'b', summary: 'Team' },
      { id: 'c', deleted: true },
    ]
    const labels = lists.calendars.read({ kind: 'calendar#calendarList', items }).items.map(({ label }) => label)
    expect(labels).toEqual(['Work', 'Team', 'c'])
  })

  it.each([{}, { items: [] }, { kind: 'calendar#events', items: [] }])('are not read from %j', (body) => {
    expect(() => lists.calendars.read(body)).toThrow()
  })
})

it('the account is the address of its primary calendar, whatever that is called', () => {
  expect(account.read({ id: 'pat@example.com', summary: 'Home', primary: true })).toEqual({
    id: 'pat@example.com',
    label: 'pat@example.com',
  })
})

it.each([
  [{ error: { errors: [{ reason: 'userRateLimitExceeded' }], code: 403 } }, 'userRateLimitExceeded'],
  [{ error: { errors: [{ reason: 'authError' }], details: [{ reason: 'other' }] } }, 'authError'],
  [{ error: { code: 403, details: [{ '@type': 'Help' }, { reason: 'SERVICE_DISABLED' }] } }, 'SERVICE_DISABLED'],
  [{ error: { code: null, message: null, errors: null, details: [{ reason: null }, { reason: 'authError' }] } }, 'authError'],
  [{ error: { code: 403, message: null, errors: [{ reason: 'forbidden' }], details: null } }, 'forbidden'],
  [{ error: { code: 500 } }, undefined],
  [{ error: 'invalid_grant' }, undefined],
  [undefined, undefined],
])('the reason of %j is %s', (body, reason) => {
  expect(api.reason(body)).toBe(reason)
})

it.each([
  ['User-rate limit exceeded.  Retry after 2026-07-18T12:00:00.000Z', 30_000],
  ['User-rate limit exceeded.  Retry after 2026-07-18T11:00:00.000Z', 0],
  ['Rate Limit Exceeded', undefined],
  ['Retry after a while', undefined],
])('%j asks to wait %s ms', (message, ms) => {
  const now = Date.parse('2026-07-18T11:59:30.000Z')
  expect(api.retryAfterMs({ body: { error: { message } } }, now)).toBe(ms)
})
