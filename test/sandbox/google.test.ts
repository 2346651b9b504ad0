import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importPKCS8, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { FaultRuleInput } from '../../src/sandbox/admin-contract.ts'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { approveConsent, type ConsentChoice } from '../../src/sandbox/consent.ts'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import { startSandbox, type SandboxOptions } from '../../src/sandbox/server.ts'

type Fault = FaultRuleInput['fault']
type Query = Record<string, string>

const drive = 'https://www.googleapis.com/auth/drive'
const redirectUri = 'http://127.0.0.1:9999/callback'
const client = { client_id: 'sandbox-client', client_secret: 'sandbox-secret' }

const Tokens = z.object({ access_token: z.string(), refresh_token: z.string().default('') })
const FileList = z.object({ files: z.array(z.object({ id: z.string() })), nextPageToken: z.string().optional() })
const StartToken = z.object({ startPageToken: z.string() })
const ApiError = z.object({ error: z.object({ errors: z.tuple([z.object({ reason: z.string() })]) }) })

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sandbox-'))
  await mkdir(join(root, 'plans/old'), { recursive: true })
  await Promise.all(['a.txt', 'b.pdf', 'plans/c.dwg', 'plans/old/d.md'].map((path) => writeFile(join(root, path), path)))
})
afterAll(() => rm(root, { recursive: true }))

/** A sandbox, and an app that uses it. */
async function open(options: SandboxOptions = {}) {
  const sandbox = await startSandbox(options)
  const { url } = sandbox
  const usual = { ...client, redirect_uri: redirectUri }

  const authorizeUrl = (parameters: Query = {}) => {
    const query = { ...usual, response_type: 'code', scope: drive, access_type: 'offline', state: 's1', ...parameters }
    return `${url}/accounts.google.com/o/oauth2/v2/auth?${new URLSearchParams(query).toString()}`
  }
  const consent = async (parameters: Query = {}, choice: ConsentChoice = {}) =>
    Object.fromEntries(new URL(await approveConsent(authorizeUrl(parameters), choice)).searchParams)
  const token = async (form: Query) => {
    const answer = await fetch(`${url}/oauth2.googleapis.com/token`, {
      method: 'POST',
      body: new URLSearchParams({ ...usual, ...form }),
    })
    return { status: answer.status, body: await answer.json() }
  }
  const exchange = (code = '', more: Query = {}) => token({ grant_type: 'authorization_code', code, ...more })
  const refresh = (value: string) => token({ grant_type: 'refresh_token', refresh_token: value })
  const connect = async (parameters: Query = {}) => Tokens.parse((await exchange((await consent(parameters))['code'])).body)
  const get = (bearer: string, path: string, query: Query = {}) =>
    fetch(`${url}/www.googleapis.com/drive/v3${path}?${new URLSearchParams(query).toString()}`, {
      headers: { authorization: `Bearer ${bearer}` },
      signal: AbortSignal.timeout(1000),
    })
  const json = async (bearer: string, path: string, query: Query = {}): Promise<unknown> =>
    (await get(bearer, path, query)).json()
  const reason = async (bearer: string, path: string, query: Query = {}) =>
    ApiError.parse(await json(bearer, path, query)).error.errors[0].reason
  const admin = sandboxClient(url)
  const google = googleSandbox(url)
  const control = admin.control('google-drive')
  return { ...sandbox, admin, google, control, authorizeUrl, consent, token, exchange, refresh, connect, get, json, reason }
}

describe('sign-in', () => {
  it('sends state, issuer and the ticked scopes back, or access_denied', async () => {
    await using app = await open()
    const choice = { account: 'sam@example.com', scopes: ['openid'] }
    const allowed = await app.consent({ scope: `${drive}.readonly openid` }, choice)
    expect(allowed).toMatchObject({ state: 's1', iss: 'https://accounts.google.com', scope: 'openid' })
    const { body } = await app.exchange(allowed['code'])
    expect(body).toMatchObject({
      expires_in: 3599,
      scope: 'openid',
      token_type: 'Bearer',
      id_token: expect.stringMatching(/^eyJ/),
    })
    const denied = await app.consent({}, { deny: true })
    expect(denied).toEqual({ state: 's1', iss: 'https://accounts.google.com', error: 'access_denied' })
  })

  it('shows a page, and redirects nowhere, when the request is wrong', async () => {
    await using app = await open({ clients: [{ clientId: client.client_id, clientSecret: 'x', redirectUris: [redirectUri] }] })
    const wrong: Query[] = [{ client_id: 'x' }, { redirect_uri: `${redirectUri}/` }, { response_type: 'token' }, { scope: 'x' }]
    const answers = await Promise.all(wrong.map((query) => fetch(app.authorizeUrl(query), { redirect: 'manual' })))
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400])
  })

  it('exchanges a code once, for the right verifier; a replay ends the tokens', async () => {
    await using app = await open()
    const right = { code_verifier: 'v'.repeat(43) }
    const challenge = createHash('sha256').update(right.code_verifier).digest('base64url')
    const { code } = await app.consent({ code_challenge: challenge, code_challenge_method: 'S256' })
    const refused = { status: 400, body: { error: 'invalid_grant' } }
    expect(await app.exchange(code)).toMatchObject(refused)
    expect(await app.exchange(code, { code_verifier: 'w'.repeat(43) })).toMatchObject(refused)
    const tokens = Tokens.parse((await app.exchange(code, right)).body)
    expect((await app.get(tokens.access_token, '/files')).status).toBe(200)
    expect(await app.exchange(code, right)).toMatchObject(refused)
    expect((await app.get(tokens.access_token, '/files')).status).toBe(401)
    expect(await app.refresh(tokens.refresh_token)).toMatchObject(refused)
  })

  it('refreshes without rotation until the user revokes, and gives a second refresh token only on prompt=consent', async () => {
    await using app = await open()
    await app.control.configure({ accessTokenSeconds: 60 })
    const tokens = await app.connect()
    expect((await app.connect()).refresh_token).toBe('')
    expect((await app.connect({ prompt: 'consent' })).refresh_token).not.toBe('')

    await app.admin.setClockSkew(61)
    expect(await app.reason(tokens.access_token, '/files')).toBe('authError')
    const refreshed = await app.refresh(tokens.refresh_token)
    expect(refreshed.body).toEqual({ access_token: expect.any(String), expires_in: 60, scope: drive, token_type: 'Bearer' })
    expect(await app.control.revokeGrants('pat@example.com')).toBe(1)
    const revoked = { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' }
    expect(await app.refresh(tokens.refresh_token)).toEqual({ status: 400, body: revoked })
    expect((await app.control.tokenStats()).refresh_token).toEqual({ requests: 2, issued: 1 })
  })

  it('gives a service account a token for a signed assertion, and says what is wrong with others', async () => {
    await using app = await open()
    const file = await app.google.serviceAccount()
    const key = await importPKCS8(file.private_key, 'RS256')
    const ask = async (claims: Record<string, unknown>, alter = (jwt: string) => jwt) => {
      const iat = Math.floor(Date.now() / 1000)
      const payload = { iss: file.client_email, aud: file.token_uri, scope: drive, iat, exp: iat + 3600, ...claims }
      const assertion = alter(await new SignJWT(payload).setProtectedHeader({ alg: 'RS256', typ: 'JWT' }).sign(key))
      return app.token({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion })
    }
    const { body } = await ask({ sub: 'pat@example.com' })
    expect(body).toEqual({ access_token: expect.stringMatching(/^ya29\.c\./), expires_in: 3599, token_type: 'Bearer' })
    const about = await app.json(Tokens.parse(body).access_token, '/about', { fields: 'user/emailAddress' })
    expect(about).toEqual({ user: { emailAddress: 'pat@example.com' } })

    const refusal = (description: string) => ({ status: 400, body: { error: 'invalid_grant', error_description: description } })
    expect(await ask({}, (jwt) => `${jwt.slice(0, -8)}AAAAAAAA`)).toEqual(refusal('Invalid JWT Signature.'))
    expect(await ask({ aud: 'https://example.com' })).toEqual(refusal('Invalid JWT: Failed audience check.'))
    expect(await ask({ exp: Date.now() / 1000 + 7200 })).toMatchObject({
      body: { error_description: expect.stringMatching('60 minutes') },
    })
    expect(await ask({ sub: 'nobody@example.com' })).toEqual(refusal('Invalid email or User ID'))
    const undelegated = await ask({ sub: 'pat@example.com', scope: `${drive}.scripts` })
    expect(undelegated).toMatchObject({ status: 401, body: { error: 'unauthorized_client' } })
  })
})

describe('the generic control', () => {
  it('knows the accounts, the grants and the secrets, and makes lists long', async () => {
    await using app = await open()
    const [pat] = await app.control.accounts()
    const { code = '' } = await app.consent()
    const tokens = Tokens.parse((await app.exchange(code)).body)
    const about = await app.json(tokens.access_token, '/about', { fields: 'user(permissionId,emailAddress)' })
    expect(about).toEqual({ user: { permissionId: pat?.id, emailAddress: pat?.label } })
    const secrets = [code, tokens.access_token, tokens.refresh_token]
    expect(await app.control.tokens()).toEqual(expect.arrayContaining(secrets))
    expect(await app.control.liveGrants('pat@example.com')).toBe(1)

    for (const count of [12, 3]) await app.control.fill('pat@example.com', count)
    const drives = await app.json(tokens.access_token, '/drives', { pageSize: '100', fields: 'drives/name' })
    expect(drives).toEqual({ drives: Array.from({ length: 12 }, (_, index) => ({ name: `Shared drive ${index + 1}` })) })
    await expect(app.control.fill('eve@example.com', 1)).rejects.toThrow('no account eve@example.com')
  })

  it('hears of a revocation, and of an access token that is no longer good', async () => {
    await using app = await open()
    const { access_token, refresh_token } = await app.connect()
    await app.control.expireAccessTokens()
    expect(await app.reason(access_token, '/files')).toBe('authError')
    const revoke = (token: string) =>
      fetch(`${app.url}/oauth2.googleapis.com/revoke`, { method: 'POST', body: new URLSearchParams({ token }) })
    expect((await revoke(refresh_token)).status).toBe(200)
    expect(await app.control.liveGrants('pat@example.com')).toBe(0)
    expect((await revoke(refresh_token)).status).toBe(400)
  })
})

describe('files', () => {
  it('lists every file that nobody touches exactly once, whatever happens between the pages', async () => {
    await using app = await open({ root })
    const { google } = app
    const { access_token } = await app.connect()
    const ids = await google.createFiles({ count: 30, prefix: 'n' })
    const victims = [ids[2], ids[12], ids[25]]
    const seen: string[] = []
    for (let pageToken: string | undefined = '', pages = 0; pageToken !== undefined && pages < 20; pages += 1) {
      const query = { pageSize: '7', fields: 'nextPageToken,files(id,name)', ...(pageToken !== '' && { pageToken }) }
      const page = FileList.parse(await app.json(access_token, '/files', query))
      seen.push(...page.files.map(({ id }) => id))
      pageToken = page.nextPageToken
      const victim = victims.shift()
      if (victim !== undefined) await google.deleteFile(victim)
      if (pages < 3) await google.createFolder({ name: 'between pages' })
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).toEqual(expect.arrayContaining((await google.files()).map(({ id }) => id)))
  })

  it('refuses a page token with other parameters, a wrong q, an unknown field and a missing scope', async () => {
    await using app = await open({ root })
    const { access_token } = await app.connect()
    const { nextPageToken = '' } = FileList.parse(await app.json(access_token, '/files', { pageSize: '1' }))
    expect(await app.reason(access_token, '/files', { pageToken: nextPageToken, q: 'trashed = false' })).toBe('invalid')
    expect(await app.reason(access_token, '/files', { q: "name = 'x' and" })).toBe('invalid')
    expect(await app.reason(access_token, '/files', { fields: 'files(id,colour)' })).toBe('invalidParameter')
    const weak = await app.connect({ scope: 'openid' })
    expect(await app.reason(weak.access_token, '/files')).toBe('insufficientPermissions')
  })

  it('cuts answers down to the field mask, and shows shared drives to those who ask for them', async () => {
    await using app = await open({ root, extras: true })
    const { access_token } = await app.connect()
    const list = (query: Query) => app.json(access_token, '/files', query)
    const q = "name contains 'a.' and mimeType != 'application/vnd.google-apps.shortcut'"
    expect(await list({ q, fields: 'files(size,parents,owners/emailAddress,shortcutDetails(targetId))' })).toEqual({
      files: [{ size: '5', parents: [expect.stringMatching(/^0A/)], owners: [{ emailAddress: 'pat@example.com' }] }],
    })
    const shared = { files: [{ name: 'Site photos' }, { name: 'Invoice 1042.pdf' }] }
    expect(await list({ q: 'sharedWithMe', fields: 'files(name,parents)' })).toEqual(shared)

    const inDrive = (await app.google.files()).find(({ driveId }) => driveId !== null)
    const top = { q: `'${inDrive?.driveId}' in parents and trashed = false` }
    expect(FileList.parse(await list(top)).files).toHaveLength(0)
    const flags = { supportsAllDrives: 'true', includeItemsFromAllDrives: 'true' }
    expect(FileList.parse(await list({ ...top, ...flags })).files).toHaveLength(3)
    expect(await app.reason(access_token, `/files/${inDrive?.id}`)).toBe('notFound')
  })
})

describe('changes', () => {
  it('has each file once, in its latest state, and a folder without what is in it', async () => {
    await using app = await open({ root })
    const { google } = app
    const { access_token } = await app.connect()
    const { startPageToken } = StartToken.parse(await app.json(access_token, '/changes/startPageToken'))
    const byPath = new Map((await google.files()).map((file) => [file.path, file.id]))
    const [a, b, plans, d] = ['/a.txt', '/b.pdf', '/plans', '/plans/old/d.md'].map((path) => byPath.get(path) ?? '')
    await google.updateFile({ id: a!, name: 'first' })
    await google.updateFile({ id: plans!, trashed: true })
    await google.deleteFile(b!)
    await google.updateFile({ id: a!, name: 'second' })

    const fields = 'nextPageToken,newStartPageToken,changes(fileId,removed,file(name,trashed,explicitlyTrashed))'
    const page = (pageToken: string) => app.json(access_token, '/changes', { pageToken, pageSize: '2', fields })
    const next = String(Number(startPageToken) + 3)
    const trashed = { name: 'plans', trashed: true, explicitlyTrashed: true }
    expect(await page(startPageToken)).toEqual({
      changes: [
        { fileId: plans, removed: false, file: trashed },
        { fileId: b, removed: true },
      ],
      nextPageToken: next,
    })
    const latest = { fileId: a, removed: false, file: { name: 'second', trashed: false, explicitlyTrashed: false } }
    const newStartPageToken = String(Number(next) + 1)
    expect(await page(next)).toEqual({ changes: [latest], newStartPageToken })
    expect(await page(newStartPageToken)).toEqual({ changes: [], newStartPageToken })
    const child = await app.json(access_token, `/files/${d}`, { fields: 'trashed,explicitlyTrashed' })
    expect(child).toEqual({ trashed: true, explicitlyTrashed: false })
    expect(await app.reason(access_token, '/changes', { pageToken: '7' })).toBe('invalid')
  })

  it('goes on after a restart: ids and tokens last, and what is different on disk is a change', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'sandbox-state-'))
    const tree = await mkdtemp(join(tmpdir(), 'sandbox-tree-'))
    await Promise.all(['kept', 'renamed', 'deleted', 'rewritten', 'gone'].map((name) => writeFile(join(tree, name), name)))
    const before = await open({ root: tree, stateDir })
    const { google } = before
    const { access_token } = await before.connect()
    const ids = new Map((await google.files()).map((file) => [file.name, file.id]))
    await google.updateFile({ id: ids.get('renamed')!, name: 'new name' })
    await google.deleteFile(ids.get('deleted')!)
    const { startPageToken } = StartToken.parse(await before.json(access_token, '/changes/startPageToken'))
    await before.close()

    await Promise.all([writeFile(join(tree, 'rewritten'), 'other'), writeFile(join(tree, 'added'), ''), rm(join(tree, 'gone'))])
    await using after = await open({ root: tree, stateDir })
    const fields = 'changes(removed,file/name)'
    expect(await after.json(access_token, '/changes', { pageToken: startPageToken, fields })).toEqual({
      changes: [{ removed: false, file: { name: 'added' } }, { removed: false, file: { name: 'rewritten' } }, { removed: true }],
    })
    const files = new Map((await after.google.files()).map((file) => [file.name, file.id]))
    expect([...files.keys()].toSorted()).toEqual(['added', 'kept', 'new name', 'rewritten'])
    expect([files.get('kept'), files.get('new name')]).toEqual([ids.get('kept'), ids.get('renamed')])
    await Promise.all([rm(stateDir, { recursive: true }), rm(tree, { recursive: true })])
  })
})

describe('faults', () => {
  const answers: [Fault, number, RegExp, string | null][] = [
    [{ type: 'rate-limit' }, 429, /"reason":"rateLimitExceeded"/, null],
    [{ type: 'rate-limit', retryAfterSeconds: 7 }, 429, /"reason":"rateLimitExceeded"/, '7'],
    [{ type: 'quota' }, 403, /"reason":"userRateLimitExceeded"/, null],
    [{ type: 'server-error' }, 500, /"reason":"internalError"/, null],
    [{ type: 'server-error', status: 503, html: true }, 503, /^<!DOCTYPE html>/, null],
    [{ type: 'html' }, 200, /^<!DOCTYPE html>/, null],
    [{ type: 'error', status: 418, body: { teapot: true } }, 418, /^\{"teapot":true\}$/, null],
    [{ type: 'unauthorized' }, 401, /"reason":"authError"/, null],
    [{ type: 'forbidden' }, 403, /"reason":"insufficientFilePermissions"/, null],
    [{ type: 'not-found' }, 404, /"reason":"notFound"/, null],
  ]

  it('answers as told, once, and then as usual', async () => {
    await using app = await open({ root })
    const { access_token } = await app.connect()
    for (const [fault, status, body, retryAfter] of answers) {
      await app.admin.addFault({ match: { path: '/drive/v3/files' }, fault })
      const answer = await app.get(access_token, '/files')
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, retryAfter])
      expect(await answer.text()).toMatch(body)
      expect((await app.get(access_token, '/files')).status).toBe(200)
    }
  })

  it('breaks connections, delays, and alters pages', async () => {
    await using app = await open({ root })
    const { access_token } = await app.connect()
    const meet = async (fault: Fault) => {
      await app.admin.addFault({ match: { host: 'www.googleapis.com', path: '^/drive/v3/files$' }, fault, skip: 1 })
      expect((await app.get(access_token, '/files')).status).toBe(200)
      return app.get(access_token, '/files')
    }
    await expect(meet({ type: 'timeout' })).rejects.toThrow('timeout')
    await expect(meet({ type: 'cut-body' }).then((answer) => answer.text())).rejects.toThrow('terminated')
    await expect(meet({ type: 'lost-response' })).rejects.toThrow('fetch failed')
    const begun = performance.now()
    expect((await meet({ type: 'delay', ms: 100 })).status).toBe(200)
    expect(performance.now() - begun).toBeGreaterThan(95)
    const empty = await (await meet({ type: 'empty-page' })).json()
    expect(empty).toMatchObject({ files: [], nextPageToken: expect.any(String) })
    const short = await (await meet({ type: 'short-page', items: 1 })).json()
    expect(short).toMatchObject({ files: [{ name: 'a.txt' }], nextPageToken: expect.any(String) })
    expect((await (await meet({ type: 'huge-body', bytes: 1_000_000 })).text()).length).toBeGreaterThan(1_000_000)
    const log = await app.admin.requests()
    expect(log.map(({ fault, status }) => [fault, status])).toContainEqual(['lost-response', null])
    expect(JSON.stringify(log)).not.toContain(access_token)
  })

  it('does what was asked before a response is lost', async () => {
    await using app = await open()
    const { code } = await app.consent()
    await app.admin.addFault({ match: { path: '/token' }, fault: { type: 'lost-response' } })
    await expect(app.exchange(code)).rejects.toThrow('fetch failed')
    expect(await app.exchange(code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await app.control.tokenStats()).authorization_code.requests).toBe(2)
  })
})
