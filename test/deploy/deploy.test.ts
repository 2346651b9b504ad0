import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { stringify } from 'smol-toml'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DenoVersion } from '../../src/local/function-process.ts'
import { ownProjectDir } from '../../src/local/services.ts'
import { noTelemetry } from '../../src/local/telemetry.ts'
import { startTestPlatform, type TestPlatform } from '../support/database.ts'
import { startManagementApi, type Deployed } from './management-api.ts'

const denoVersions = ['deno', 'deno-2.1.4'] as const
const names = ['health', 'integrations', 'oauth-authorize', 'oauth-callback', 'oauth-start', 'status', 'webhooks', 'worker']

describe('functions deployed by the Supabase CLI', () => {
  const open = new AsyncDisposableStack()
  let deployed: Map<string, Deployed>
  const platforms = new Map<DenoVersion, TestPlatform>()

  beforeAll(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'patchbay-deploy-'))
    open.defer(() => rm(dir, { recursive: true, force: true }))
    deployed = await deploy(dir)
    const served = join(dir, 'served')
    for (const one of deployed.values()) await unpack(served, one)
    await writeConfig(served, deployed)
    await symlink(join(ownProjectDir, 'node_modules'), join(served, 'node_modules'))
    for (const denoVersion of denoVersions) {
      platforms.set(denoVersion, open.use(await startTestPlatform({ projectDir: served, functionEnv: settings, denoVersion })))
    }
  }, 120_000)
  afterAll(() => open.disposeAsync())

  it('are all functions', () => {
    expect([...deployed.keys()].toSorted()).toEqual(names)
  })

  it.each(names)('%s: is uploaded with all that it imports, and nothing else', async (name) => {
    const uploaded = [...(deployed.get(name)?.files.keys() ?? [])].toSorted()

    expect(uploaded).toEqual(await imported(`supabase/functions/${name}/index.ts`))
  })

  describe.each(denoVersions)('under %s', (denoVersion) => {
    const call = (name: string) =>
      fetch(`${platforms.get(denoVersion)?.url}/functions/v1/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ provider: 'google-drive' }),
        redirect: 'manual',
      })

    // One of them answers everybody.
    it.each(names.filter((name) => name !== 'health'))('%s: answers from what was uploaded', async (name) => {
      const response = await call(name)

      // Not the platform's words for a function that does not start, but our own.
      expect(await response.json()).toMatchObject({
        error: { code: expect.stringMatching(/^[a-z_]+$/), message: expect.any(String) },
      })
      expect(response.status).toBeLessThan(500)
    })

    it('health: tells everybody whether the database answers, and nothing else', async () => {
      const response = await call('health')

      expect(response.status).toBe(200)
      expect(await response.json()).toEqual({ status: 'ok', database: 'ok' })
    })

    it('status: tells its numbers to whoever has the worker secret', async () => {
      const platform = platforms.get(denoVersion)!
      const ask = (secret: string) =>
        fetch(`${platform.url}/functions/v1/status`, { headers: { authorization: `Bearer ${secret}` } })

      expect((await ask(platform.keys.publishableKey)).status).toBe(401)
      const response = await ask(platform.keys.workerSecret)
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({
        environment: 'development',
        running_syncs: 0,
        endpoints: { due: 0 },
        queues: expect.arrayContaining([expect.objectContaining({ name: 'sync' })]),
      })
    })

    it('oauth-authorize: asks for the JWT of a user', async () => {
      const response = await call('oauth-authorize')

      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ error: { code: 'unauthorized' } })
    })
  })

  it.each(names)('%s: tells the platform not to look for a JWT', (name) => {
    expect(deployed.get(name)?.metadata.verify_jwt).toBe(false)
  })
})

const settings = {
  GOOGLE_CLIENT_ID: 'client',
  GOOGLE_CLIENT_SECRET: 'secret',
  CONNECTOR_REDIRECT_URLS: 'http://127.0.0.1:3000/',
  CONNECTOR_TOKEN_KEYS: `test:${Buffer.alloc(32, 7).toString('base64url')}`,
}

/** Runs "supabase functions deploy" against a stand-in for the platform. */
async function deploy(dir: string): Promise<Map<string, Deployed>> {
  await using api = await startManagementApi()
  const profile = join(dir, 'profile.yaml')
  const urls = { api_url: api.url, dashboard_url: api.url, project_host: 'localhost' }
  await writeFile(
    profile,
    Object.entries({ name: 'stand-in', ...urls })
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
  )

  const cli = join(dirname(createRequire(import.meta.url).resolve('supabase/package.json')), 'dist/supabase.js')
  const target = ['--remote=abcdefghijklmnopqrst', `--profile=${profile}`, `--workdir=${ownProjectDir}`]
  // The form of a token, and nothing more.
  const env = {
    ...noTelemetry,
    HOME: dir,
    PATH: process.env['PATH'] ?? '',
    NO_COLOR: '1',
    SUPABASE_ACCESS_TOKEN: `sbp_${'0123456789'.repeat(4)}`,
  }
  const { stderr } = await promisify(execFile)(process.execPath, [cli, 'functions', 'deploy', '--use-api', '--yes', ...target], {
    env,
  })
  expect(stderr).not.toMatch(/WARN/)
  return api.deployed
}

async function unpack(dir: string, { files }: Deployed): Promise<void> {
  for (const [path, bytes] of files) {
    const target = join(dir, path)
    expect(relative(dir, target), 'no upload leaves the project').not.toMatch(/^\.\./)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, bytes)
  }
}

/** As the platform, which knows a function's settings from its upload. */
async function writeConfig(dir: string, deployed: Map<string, Deployed>): Promise<void> {
  const supabaseDir = join(dir, 'supabase')
  const functions = Object.fromEntries(
    [...deployed].map(([name, { metadata }]) => [
      name,
      {
        entrypoint: relative(supabaseDir, join(dir, metadata.entrypoint_path)),
        ...(metadata.import_map_path === undefined
          ? {}
          : { import_map: relative(supabaseDir, join(dir, metadata.import_map_path)) }),
        ...(metadata.verify_jwt === undefined ? {} : { verify_jwt: metadata.verify_jwt }),
      },
    ]),
  )
  await writeFile(join(supabaseDir, 'config.toml'), stringify({ functions }))
}

/** The import map, and the modules of this project that a module needs, by Deno's own reading. */
async function imported(entrypoint: string): Promise<string[]> {
  const importMap = 'supabase/functions/deno.json'
  const deno = join(dirname(createRequire(import.meta.url).resolve('deno/package.json')), 'bin.cjs')
  const flags = ['--no-config', '--no-lock', '--no-remote', '--node-modules-dir=manual', `--import-map=${importMap}`]
  const { stdout } = await promisify(execFile)(process.execPath, [deno, 'info', '--json', ...flags, entrypoint], {
    cwd: ownProjectDir,
    maxBuffer: 64 * 1024 * 1024,
  })
  const { modules } = JSON.parse(stdout) as { modules: { specifier: string; error?: string }[] }
  const root = new URL('.', `file://${ownProjectDir}`).href
  const own = modules
    .map(({ specifier }) => specifier)
    .filter((specifier) => specifier.startsWith(root) && !specifier.includes('/node_modules/'))
  return [importMap, ...own.map((specifier) => specifier.slice(root.length))].toSorted()
}
