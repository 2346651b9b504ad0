import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestPlatform, type TestPlatform } from '../support/database.ts'
import { scratchProject, type ScratchDir } from './scratch.ts'

const probe = `
import { name } from '../../../src/shared/name.ts'
import postgres from 'postgres'
const tried = async (what: () => unknown) => {
  try { return String(await what()) } catch (error) { return (error as Error).name }
}
export default { async fetch(request: Request) {
  const sql = postgres(Deno.env.get('SUPABASE_DB_URL')!, { max: 1 })
  return Response.json({
    name,
    path: new URL(request.url).pathname,
    forwarded: request.headers.get('x-forwarded-host') === new URL(Deno.env.get('SUPABASE_URL')!).host,
    given: Deno.env.get('GIVEN'),
    database: await tried(async () => (await sql\`select 1 as one\`)[0]!.one),
    otherVariable: await tried(() => Deno.env.get('HOME')),
    file: await tried(() => Deno.readTextFile('/etc/passwd')),
    write: await tried(() => Deno.writeTextFile('/tmp/x', '')),
    run: await tried(() => new Deno.Command('/bin/ls').output()),
    otherHost: await tried(() => fetch('http://127.0.0.1:5999')),
  })
} }`
const behaviours = `
export default { fetch(request: Request) {
  const path = new URL(request.url).pathname
  if (path === '/behaviours/redirect') {
    const headers = new Headers({ location: 'https://example.com/' })
    headers.append('set-cookie', 'a=1'); headers.append('set-cookie', 'b=2')
    return new Response(null, { status: 303, headers })
  }
  if (path === '/behaviours/page') return new Response('<p>', { headers: { 'content-type': 'text/html' } })
  if (path === '/behaviours/echo') return new Response(request.body)
  if (path === '/behaviours/crash') setTimeout(() => { throw new Error('crash') })
  return new Promise(() => {})
} }`
const files = {
  'src/shared/name.ts': `import { z } from 'zod'\nexport const name = z.string().parse('shared')`,
  'supabase/functions/deno.json': '{ "imports": { "zod": "npm:zod@4.6.7", "postgres": "npm:postgres@3.4.9" } }',
  'supabase/functions/probe/index.ts': probe,
  'supabase/functions/behaviours/index.ts': behaviours,
  'supabase/functions/broken/index.ts': 'import "nowhere"',
  'supabase/functions/guarded/index.ts': `export default { fetch: () => new Response('in') }`,
  'supabase/config.toml': `
    [functions.probe]
    verify_jwt = false
    import_map = "./functions/deno.json"
    [functions.behaviours]
    verify_jwt = false
    [functions.broken]
    verify_jwt = false`,
}

describe.each(['deno', 'deno-2.1.4'] as const)('%s', (denoVersion) => {
  let project: ScratchDir
  let platform: TestPlatform

  beforeAll(async () => {
    project = await scratchProject(files)
    const functionEnv = { GIVEN: 'yes' }
    platform = await startTestPlatform({ projectDir: project.path, functionEnv, denoVersion, wallClockMs: 1500 })
  })

  afterAll(async () => {
    await platform.stop()
    await project[Symbol.asyncDispose]()
  })

  const call = (path: string, init?: RequestInit) =>
    fetch(`${platform.url}/functions/v1/${path}`, { redirect: 'manual', ...init })

  it('gives a function its code, its variables and its database, and nothing else', async () => {
    expect(await (await call('probe/some/path')).json()).toEqual({
      name: 'shared',
      path: '/probe/some/path',
      forwarded: true,
      given: 'yes',
      database: '1',
      otherVariable: 'NotCapable',
      file: 'NotCapable',
      write: 'NotCapable',
      run: 'NotCapable',
      otherHost: 'NotCapable',
    })
  })

  it('passes redirects and cookies unchanged, and pages as text', async () => {
    const redirect = await call('behaviours/redirect')
    expect(redirect.status).toBe(303)
    expect(redirect.headers.get('location')).toBe('https://example.com/')
    expect(redirect.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect((await call('behaviours/page')).headers.get('content-type')).toBe('text/plain')
    expect(await (await call('behaviours/echo', { method: 'POST', body: 'x'.repeat(1e6) })).text()).toHaveLength(1e6)
  })

  it('ends a function that does not answer, and starts a crashed one again', async () => {
    expect((await call('behaviours/hang')).status).toBe(504)
    expect((await call('behaviours/crash')).status).toBe(500)
    expect((await call('behaviours/redirect')).status).toBe(303)
  })

  it('says that a function is missing or does not start', async () => {
    expect((await call('missing')).status).toBe(404)
    expect((await call('_shared')).status).toBe(404)
    expect(await (await call('broken')).json()).toMatchObject({ code: 'BOOT_ERROR' })
  })

  it('demands a token or a key, unless the function has verify_jwt = false', async () => {
    const { keys } = platform
    const sign = (secret: string, exp: string) =>
      new SignJWT({ role: 'authenticated' })
        .setProtectedHeader({ alg: 'HS256' })
        .setExpirationTime(exp)
        .sign(new TextEncoder().encode(secret))
    const status = async (headers: Record<string, string>) => (await call('guarded', { headers })).status
    expect(await status({})).toBe(401)
    expect(await status({ authorization: `Bearer ${await sign('another secret', '1h')}` })).toBe(401)
    expect(await status({ authorization: `Bearer ${await sign(keys.jwtSecret, '-1h')}` })).toBe(401)
    expect(await status({ authorization: `Bearer ${await sign(keys.jwtSecret, '1h')}` })).toBe(200)
    expect(await status({ apikey: keys.publishableKey })).toBe(200)
    expect((await call('guarded', { method: 'OPTIONS' })).status).toBe(200)
  })
})
