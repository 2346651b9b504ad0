import { describe, expect, it } from 'vitest'
import { provider } from '../../src/shared/providers/jobber/definition.ts'

const { auth, api, lists, account, variables } = provider

const cost = (requestedQueryCost: number, currentlyAvailable: number) => ({
  requestedQueryCost,
  actualQueryCost: 0,
  throttleStatus: { maximumAvailable: 10_000, currentlyAvailable, restoreRate: 500 },
})
const failed = (message: string, extensions?: object) => ({ errors: [{ message, ...(extensions && { extensions }) }] })
const throttled = (requested: number, available: number) => ({
  ...failed('Throttled', { code: 'THROTTLED' }),
  extensions: { cost: cost(requested, available) },
})

describe('a token answer', () => {
  it.each([
    [{ access_token: 'eyJ', refresh_token: '5dd9' }],
    [
      {
        access_token: 'eyJ',
        refresh_token: '5dd9',
        expires_at: '2024-04-09 21:04:31 UTC',
        warning: 'Refresh token rotation is off.',
      },
    ],
    [{ access_token: 'eyJ', refresh_token: null, token_type: null, warning: null }],
  ])('of the form %j is a bearer token', (body) => {
    expect(auth.readTokenAnswer(body)).toEqual({ token: { ...body, token_type: 'Bearer' } })
  })

  it.each([
    [{ error: 'invalid_grant', error_description: 'The provided refresh token is not valid.' }, 'invalid_grant'],
    [{ error: 'invalid_client' }, 'invalid_client'],
    [{ message: 'User has disconnected this app from their account. Please delete this token' }, 'invalid_grant'],
    [{ error: { message: 'This account is not active' } }, 'invalid_grant'],
    [{ message: 'Service temporarily unavailable' }, 'temporarily_unavailable'],
    [{ message: null, error: { message: 'This account is not active' } }, 'invalid_grant'],
  ])('of the form %j is the error %s', (body, error) => {
    expect(auth.readTokenAnswer(body)).toEqual({ error })
  })
})

describe('an answer', () => {
  it.each([
    [
      { data: { account: null }, ...failed('…hidden because you are unauthenticated', { code: 'UNAUTHENTICATED' }) },
      'unauthorized',
    ],
    [{ data: null, ...failed('The field jobs on an object of type Query was hidden due to permissions') }, 'forbidden'],
    [failed('An object of type ExpenseCreate was hidden due to permissions'), 'forbidden'],
    [failed('Variable $id of type EncodedId! was provided invalid value', { value: '1', problems: [{}] }), 'rejected'],
    [failed("Field 'nmae' doesn't exist on type 'Client'", { code: 'undefinedField' }), 'contract'],
    [failed('Something else'), 'contract'],
    [failed("Field 'clients' doesn't accept argument 'n'", { code: 'argumentNotAccepted' }), 'contract'],
    [{ errors: [{ message: 'Something else', extensions: null }] }, 'contract'],
    [{ errors: [{ message: null, extensions: { code: 'UNAUTHENTICATED', problems: null } }] }, 'unauthorized'],
    [{ data: [], errors: ['Something else'], extensions: null }, 'contract'],
    [throttled(450, 200), 'rate_limited'],
    [failed('Throttled', { code: 'THROTTLED' }), 'rate_limited'],
    [
      { ...throttled(450, 200), extensions: { cost: null, versioning: { version: '2026-07-27', warning: null } } },
      'rate_limited',
    ],
    [{ ...failed('Throttled', { code: 'THROTTLED' }), extensions: { cost: 'none', versioning: 1 } }, 'rate_limited'],
    // It would not run with a full bucket either.
    [throttled(10_001, 10_000), 'contract'],
    [{ data: { appDisconnect: { app: null, userErrors: [{ message: 'No', path: [] }] } } }, 'rejected'],
    [{ data: { appDisconnect: { userErrors: [{ message: null }] } } }, 'rejected'],
    [{ data: { account: {} }, extensions: { versioning: { version: '2022-09-01' } } }, 'contract'],
    [{ data: {}, extensions: { cost: 'none', versioning: { version: '2022-09-01', warning: null } } }, 'contract'],
    [{ message: null, error: { message: 'This account is not active' } }, 'reconnect'],
    [{ message: 'Token not recognized' }, 'unauthorized'],
    [{ message: 'User has disconnected this app from their account. Please delete this token' }, 'unauthorized'],
    [{ error: { message: 'This account is not active' } }, 'reconnect'],
    [{ message: 'Service temporarily unavailable' }, 'unavailable'],
  ])('%j means %s, whatever its status', (body, meaning) => {
    const reasons: Record<string, string> = api.reasons
    expect(reasons[api.reason(body) ?? '']).toBe(meaning)
  })

  it.each([
    [{ data: { account: { id: 'MQ==' } }, extensions: { cost: cost(3, 9_997), versioning: { version: '2026-07-27' } } }],
    [{ data: { appDisconnect: { app: { name: 'Acme' }, userErrors: [] } } }],
    [{ message: 'Slow down' }],
    [undefined],
  ])('%j is no refusal by itself', (body) => {
    expect(api.reason(body)).toBeUndefined()
  })

  it('asks to wait until its cost has been refilled', () => {
    const wait = (body: unknown) => api.retryAfterMs({ status: 200, headers: new Headers(), body })
    expect(wait(throttled(2_450, 200))).toBe(4_500)
    expect(wait(throttled(100, 200))).toBe(0)
    expect(wait(failed('Throttled', { code: 'THROTTLED' }))).toBeUndefined()
  })
})

describe('the clients', () => {
  const page = (pageInfo: object, nodes: object[] = []) => ({ data: { clients: { nodes, pageInfo } } })

  it('go on while there is a next page, also after an empty one', () => {
    expect(lists.clients.read(page({ hasNextPage: true, endCursor: 'MTAw' }))).toEqual({ items: [], next: 'MTAw' })
    expect(lists.clients.read(page({ hasNextPage: false, endCursor: 'MjAw' }, [{ id: 'Z2lk', name: 'Jane Doe' }]))).toEqual({
      items: [{ id: 'Z2lk', label: 'Jane Doe' }],
      next: null,
    })
    expect(lists.clients.request('MTAw').json).toMatchObject({ variables: { first: 100, after: 'MTAw' } })
  })

  it.each([{ data: null }, { data: { clients: null } }, page({ hasNextPage: true, endCursor: null })])(
    'are not read from %j',
    (body) => {
      expect(() => lists.clients.read(body)).toThrow()
    },
  )
})

it.each([
  [btoa('gid://Jobber/Account/731'), '731'],
  [btoa('731'), '731'],
  ['731a', '731a'],
])('the account %s is the one with the id %s', (id, number) => {
  expect(account.read({ data: { account: { id, name: 'Maple Street Landscaping' } } })).toEqual({
    id: number,
    label: 'Maple Street Landscaping',
  })
})

it.each([
  ['https://api.getjobber.com/api/graphql', true],
  ['http://api.getjobber.com/api/graphql', false],
  ['https://api.getjobber.com@example.com/', false],
  ['https://api.getjobber.com/?x=', false],
])('tokens may be sent to %s: %s', (url, allowed) => {
  expect(variables.JOBBER_API_URL.pattern.test(url)).toBe(allowed)
})
