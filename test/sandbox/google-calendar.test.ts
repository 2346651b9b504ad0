import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { approveConsent, type ConsentChoice } from '../../src/sandbox/consent.ts'
import { startSandbox } from '../../src/sandbox/server.ts'

type Query = Record<string, string>

const scopes = 'https://www.googleapis.com/auth'
const readCalendars = `${scopes}/calendar.readonly`
const readDrive = `${scopes}/drive.metadata.readonly`
const pat = 'pat@example.com'
const app = { client_id: 'sandbox-client', client_secret: 'sandbox-secret', redirect_uri: 'http://127.0.0.1:9999/callback' }

const Tokens = z.object({ access_token: z.string(), refresh_token: z.string(), scope: z.string() })
const Page = z.object({
  items: z.array(z.looseObject({ id: z.string() })),
  nextPageToken: z.string().optional(),
  nextSyncToken: z.string().optional(),
})

/** A sandbox, and an app that uses it. */
async function open() {
  const sandbox = await startSandbox()
  const { url } = sandbox
  const admin = sandboxClient(url)

  const post = async (path: string, form: Query) =>
    fetch(`${url}/oauth2.googleapis.com/${path}`, { method: 'POST', body: new URLSearchParams({ ...app, ...form }) })
  const connect = async (scope = readCalendars, choice: ConsentChoice = {}, query: Query = {}) => {
    const all = { ...app, response_type: 'code', scope, access_type: 'offline', prompt: 'consent', ...query }
    const authorizeUrl = `${url}/accounts.google.com/o/oauth2/v2/auth?${new URLSearchParams(all).toString()}`
    const code = new URL(await approveConsent(authorizeUrl, choice)).searchParams.get('code') ?? ''
    return Tokens.parse(await (await post('token', { grant_type: 'authorization_code', code })).json())
  }
  const get = async (bearer: string, path: string, query: Query = {}) => {
    const address = `${url}/www.googleapis.com/${path}?${new URLSearchParams(query).toString()}`
    const answer = await fetch(address, { headers: { authorization: `Bearer ${bearer}` } })
    return { status: answer.status, body: await answer.json() }
  }
  const list = async (bearer: string, query: Query = {}) =>
    Page.parse((await get(bearer, 'calendar/v3/users/me/calendarList', query)).body)
  return { ...sandbox, admin, control: admin.control('google-calendar'), post, connect, get, list }
}

const failure = (code: number, reason: string) => ({ status: code, body: { error: { code, errors: [{ reason }] } } })

describe('the list of calendars', () => {
  it('has what the account sees, and the rest when it is asked for', async () => {
    await using sandbox = await open()
    const { access_token } = await sandbox.connect()
    const names = async (query: Query) =>
      (await sandbox.list(access_token, query)).items.map(({ summary, summaryOverride }) => summaryOverride ?? summary)
    const usual = [pat, 'Holidays in United States', 'Jobsite A', "Kim's inspections", 'sam@example.com']
    expect(await names({})).toEqual(usual)
    expect(await names({ showHidden: 'true' })).toEqual([...usual.slice(0, 4), 'Old projects', 'sam@example.com'])
    const deleted = (await sandbox.list(access_token, { showDeleted: 'true' })).items.filter((entry) => entry['deleted'] === true)
    expect(deleted).toHaveLength(1)
    expect(Object.keys(deleted[0] ?? {}).toSorted()).toEqual(['defaultReminders', 'deleted', 'etag', 'id', 'kind'])
  })

  it('comes page by page, 250 at most, and with the sync token at its end', async () => {
    await using sandbox = await open()
    await sandbox.control.fill(pat, 255)
    const { access_token } = await sandbox.connect()
    expect((await sandbox.list(access_token)).items).toHaveLength(100)
    const first = await sandbox.list(access_token, { maxResults: '1000' })
    expect(first.items).toHaveLength(250)
    expect(first.nextSyncToken).toBeUndefined()
    const last = await sandbox.list(access_token, { maxResults: '1000', pageToken: first.nextPageToken ?? '' })
    expect(last).toMatchObject({ items: { length: 5 }, nextSyncToken: expect.any(String) })
    expect(last.nextPageToken).toBeUndefined()
  })

  it('may have an empty page in between', async () => {
    await using sandbox = await open()
    const { access_token } = await sandbox.connect()
    await sandbox.admin.addFault({ match: { path: '/calendar/v3' }, fault: { type: 'empty-page' } })
    const empty = await sandbox.list(access_token)
    expect(empty.items).toEqual([])
    expect((await sandbox.list(access_token, { pageToken: empty.nextPageToken ?? '' })).items).toHaveLength(5)
  })

  it('takes a page token for the same list only', async () => {
    await using sandbox = await open()
    const { access_token } = await sandbox.connect()
    const { nextPageToken: pageToken = '' } = await sandbox.list(access_token, { maxResults: '1' })
    for (const query of [{ pageToken, showHidden: 'true' }, { pageToken: 'x' }]) {
      const answer = await sandbox.get(access_token, 'calendar/v3/users/me/calendarList', query)
      expect(answer).toMatchObject(failure(400, 'invalid'))
    }
  })

  it('has `primary` for the account itself, and not found for what is not in it', async () => {
    await using sandbox = await open()
    const { access_token } = await sandbox.connect(readCalendars, { account: 'sam@example.com' })
    const entry = (id: string) => sandbox.get(access_token, `calendar/v3/users/me/calendarList/${encodeURIComponent(id)}`)
    expect(await entry('primary')).toMatchObject({ status: 200, body: { id: 'sam@example.com', primary: true } })
    expect(await entry('en.usa#holiday@group.v.calendar.google.com')).toMatchObject({ body: { accessRole: 'reader' } })
    expect(await entry('nobody@example.com')).toMatchObject(failure(404, 'notFound'))
  })

  it.each([readDrive, `${scopes}/calendar.events.readonly`])('is refused to a token for %s', async (scope) => {
    await using sandbox = await open()
    const { access_token } = await sandbox.connect(scope)
    const answer = await sandbox.get(access_token, 'calendar/v3/users/me/calendarList')
    expect(answer).toMatchObject(failure(403, 'insufficientPermissions'))
  })
})

describe('one app for Calendar and Drive', () => {
  it('has one grant: a second consent covers both, and revoking one token ends all', async () => {
    await using sandbox = await open()
    const drive = await sandbox.connect(readDrive)
    const both = await sandbox.connect(readCalendars, {}, { include_granted_scopes: 'true' })
    expect(both.scope.split(' ')).toEqual([readDrive, readCalendars])
    expect((await sandbox.get(both.access_token, 'drive/v3/files')).status).toBe(200)
    expect(await sandbox.control.liveGrants(pat)).toBe(1)

    expect((await sandbox.post('revoke', { token: both.refresh_token })).status).toBe(200)
    expect(await sandbox.admin.control('google-drive').liveGrants(pat)).toBe(0)
    expect(await sandbox.get(drive.access_token, 'drive/v3/files')).toMatchObject(failure(401, 'authError'))
    expect((await sandbox.post('token', { grant_type: 'refresh_token', refresh_token: drive.refresh_token })).status).toBe(400)
  })

  it('knows a person by the address here, and by the permission id there', async () => {
    await using sandbox = await open()
    const [here] = await sandbox.control.accounts()
    const [there] = await sandbox.admin.control('google-drive').accounts()
    expect(here).toEqual({ name: pat, id: pat, label: pat })
    expect(there).toEqual({ name: pat, id: '06213157438716493857', label: pat })
  })
})

it.each([
  [{ type: 'rate-limit' }, failure(429, 'rateLimitExceeded')],
  [{ type: 'quota' }, failure(403, 'userRateLimitExceeded')],
  [{ type: 'server-error', status: 503 }, failure(503, 'backendError')],
  [{ type: 'unauthorized' }, failure(401, 'authError')],
  [{ type: 'forbidden' }, failure(403, 'forbidden')],
  [{ type: 'not-found' }, failure(404, 'notFound')],
] as const)("%j is said in Calendar's words", async (fault, said) => {
  await using sandbox = await open()
  const { access_token } = await sandbox.connect()
  await sandbox.admin.addFault({ fault })
  expect(await sandbox.get(access_token, 'calendar/v3/users/me/calendarList')).toMatchObject(said)
})
