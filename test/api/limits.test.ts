import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startTestApi, type Answer, type TestApi, type TestUser } from './support.ts'

let api: TestApi
let pat: TestUser
/** A new one for each test: who is refused stays refused for the rest of the minute. */
let address = 0

beforeAll(async () => {
  api = await startTestApi()
})
afterEach(async () => {
  await api.sql`delete from patchbay.rate_limits`
})
afterAll(() => api[Symbol.asyncDispose]())

const refused = (answers: Answer[]) => answers.filter(({ status }) => status === 429)
const times = <T>(count: number, each: () => Promise<T>) => Promise.all(Array.from({ length: count }, each))
const from = (ip: string) => ({ headers: { 'cf-connecting-ip': ip } })
const nextAddress = () => `192.0.2.${++address}`

describe('a user', () => {
  it('may call 120 times a minute, however many calls come at once, and then is told how long to wait', async () => {
    pat = await api.signUp()
    const answers = await times(150, () => api.call('integrations', { user: pat }))
    expect(refused(answers)).toHaveLength(30)
    const [answer] = refused(answers)
    const seconds = Number(answer?.headers.get('retry-after'))
    expect(seconds).toBeGreaterThan(0)
    expect(seconds).toBeLessThanOrEqual(60)
    expect(answer?.body).toEqual({
      error: { code: 'rate_limited', message: expect.any(String), hint: `Try again in ${seconds} s.` },
    })
    expect(answer?.headers.get('access-control-expose-headers')).toBe('retry-after')
    // Whichever function: the minute is the user's.
    const begun = await api.call('oauth-authorize', { user: pat, body: { provider: 'google-drive' } })
    expect(begun.status).toBe(429)
    const completed = await api.call('oauth-callback', { user: pat, body: { code: 'x', state: 'y' } })
    expect(completed.status).toBe(429)
  })

  it('spends no one else’s minute', async () => {
    const eve = await api.signUp()
    expect(refused(await times(130, () => api.call('integrations', { user: eve })))).toHaveLength(10)
    const other = await api.signUp()
    expect((await api.call('integrations', { user: other })).status).toBe(200)
  })

  it('may call again when the minute is over', async () => {
    const user = await api.signUp()
    await times(119, () => api.call('integrations', { user }))
    // What the table says of a minute that is over.
    await api.sql`update patchbay.rate_limits set expire = extract(epoch from now()) * 1000 - 1`
    expect(refused(await times(119, () => api.call('integrations', { user })))).toEqual([])
  })

  it('may make 30 requests of a provider a minute', async () => {
    const user = await api.signUp()
    await api.connect(user, 'google-drive')
    await api.sql`delete from patchbay.rate_limits`
    await api.sandbox.clearRequests()
    const answers = await times(40, () => api.call('integrations/google-drive/me', { user }))
    expect(refused(answers)).toHaveLength(10)
    expect(await api.sandbox.requests()).toHaveLength(30)
  })
})

describe('an address', () => {
  const callback = 'oauth-callback/google-drive?state=guess'

  it('may call 600 times a minute, with or without a JWT', async () => {
    const ip = nextAddress()
    await api.call(callback, from(ip))
    await api.sql`update patchbay.rate_limits set points = 598`
    expect((await api.call('oauth-start/google-drive?ticket=guess', from(ip))).status).not.toBe(429)
    expect((await api.call('integrations', from(ip))).status).toBe(401)
    const user = await api.signUp()
    for (const path of [callback, 'oauth-start/google-drive', 'oauth-authorize', 'integrations', 'integrations/openapi.json']) {
      const answer = await api.call(path, { user, ...from(ip) })
      expect(answer.status, path).toBe(429)
      expect(answer.body.error.code).toBe('rate_limited')
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    expect((await api.call(callback, from(nextAddress()))).status).toBe(303)
  })

  it('that an office shares connects fifty people in a minute', async () => {
    const ip = nextAddress()
    const answers = await times(50, async () => [
      await api.call('oauth-start/google-drive?ticket=guess', from(ip)),
      await api.call(callback, from(ip)),
    ])
    expect(refused(answers.flat())).toEqual([])
  })

  it('is what the platform saw, not what the caller claims', async () => {
    await times(5, () => api.call(callback, { headers: { 'x-forwarded-for': `${nextAddress()}, 198.51.100.7` } }))
    await api.call(callback, { headers: { 'cf-connecting-ip': '198.51.100.7', 'x-forwarded-for': nextAddress() } })
    expect(await points()).toEqual([6])
  })

  it('counts as one with all others of its IPv6 network', async () => {
    const network = ['2001:db8:1:2::1', '2001:0DB8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2:0:0:0:0']
    for (const ip of [...network, '2001:db8:1:3::1', '2001:db8::1']) await api.call(callback, from(ip))
    expect(await points()).toEqual([1, 1, 3])
  })

  it('is kept as a hash', async () => {
    await api.call(callback, from('198.51.100.23'))
    const [row] = await api.sql<{ key: string }[]>`select key from patchbay.rate_limits`
    expect(row?.key).toMatch(/^address:[0-9a-f]{64}$/)
    expect(row?.key).not.toContain('198')
  })

  it('that nobody vouches for is not counted, as all would share it', async () => {
    for (const claim of [{}, { 'x-forwarded-for': 'unknown' }, { 'cf-connecting-ip': '' }])
      await api.call(callback, { headers: claim })
    expect(await points()).toEqual([])
  })
})

it('the counters are forgotten by the sweep once their minute is over', async () => {
  await api.call('oauth-callback/google-drive', from(nextAddress()))
  await api.sql`select patchbay.sweep()`
  expect(await points()).toHaveLength(1)
  await api.sql`update patchbay.rate_limits set expire = 0`
  await api.sql`select patchbay.sweep()`
  expect(await points()).toEqual([])
})

async function points(): Promise<number[]> {
  const rows = await api.sql<{ points: number }[]>`select points from patchbay.rate_limits order by points`
  return rows.map(({ points }) => points)
}
