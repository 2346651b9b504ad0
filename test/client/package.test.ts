import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildClient } from '../../scripts/build-client.ts'
import { ownProjectDir } from '../../src/local/services.ts'
import { scratchDir, type ScratchDir } from '../local/scratch.ts'

const run = promisify(execFile)

/** An app that has installed the package. */
let app: ScratchDir
let packageDir: string

beforeAll(async () => {
  app = await scratchDir()
  packageDir = join(app.path, 'node_modules/@patchbay/client')
  buildClient(packageDir)
  await symlink(join(ownProjectDir, 'node_modules/@supabase'), join(app.path, 'node_modules/@supabase'))
  await writeFile(join(app.path, 'package.json'), JSON.stringify({ type: 'module' }))
})

afterAll(() => app[Symbol.asyncDispose]())

it('is a package that publint has nothing to say about', async () => {
  const { messages } = await publint({ pkgDir: packageDir, strict: true })
  expect(messages).toEqual([])
})

it('packs code, declarations and a page about it, and no sources', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: packageDir })
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }]
  const others = files.map(({ path }) => path).filter((path) => !/^[a-z-]+(\.d\.ts|\.js)$/.test(path))
  expect(others.toSorted()).toEqual(['LICENSE', 'README.md', 'package.json'])
})

it('needs nothing but supabase-js, and that for its types only', async () => {
  const names = await readdir(packageDir)
  const imported = async (pattern: RegExp) => {
    const texts = await Promise.all(
      names.filter((name) => pattern.test(name)).map((name) => readFile(join(packageDir, name), 'utf8')),
    )
    return new Set(texts.flatMap((text) => specifiers(text).map((specifier) => specifier.replace(/^\.\/.*\.js$/, './…js'))))
  }
  expect(await imported(/\.js$/)).toEqual(new Set(['./…js']))
  expect(await imported(/\.d\.ts$/)).toEqual(new Set(['./…js', '@supabase/supabase-js']))
})

it('leaves out what is not imported: a page that asks for a status gets no more than that', async () => {
  expect([...(await reachable('status.js'))].toSorted()).toEqual(['call.js', 'errors.js', 'status.js'])
  expect(JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8'))).toMatchObject({ sideEffects: false })
})

it('can be imported by plain Node', async () => {
  const script = `
    import * as client from '@patchbay/client'
    const { url } = await client.createPatchbay({ functions: { invoke: async () => ({ data: { url: 'https://a.example' }, error: null }) } }).connect('slack')
    console.log(Object.keys(client).join(' '), url)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: app.path })
  expect(stdout.trim()).toBe(
    'PatchbayClientError cancelSync chooseTenant completeConnection confirmDeletions connect createPatchbay disconnect integrations list pauseEndpoint procoreActions reconnect refresh resumeEndpoint resyncEndpoint status syncEndpoint testEndpoint https://a.example',
  )
})

it("runs where there is nothing but a browser's globals", async () => {
  const script = `
    import { readFileSync } from 'node:fs'
    import vm from 'node:vm'
    const visited = []
    const location = { href: 'https://app.example/?slack_error=access_denied', assign: (url) => visited.push(url) }
    const history = { state: null, replaceState: (state, unused, url) => (location.href = url) }
    const page = vm.createContext({ URL, URLSearchParams, location, history })
    const modules = new Map()
    const load = (name) => {
      if (!/^\\.\\/[\\w-]+\\.js$/.test(name)) throw new Error('A browser has no ' + name)
      if (!modules.has(name)) modules.set(name, new vm.SourceTextModule(readFileSync(name, 'utf8'), { context: page, identifier: name }))
      return modules.get(name)
    }
    const entry = load('./index.js')
    await entry.link(load)
    await entry.evaluate()
    const { createPatchbay } = entry.namespace
    const patchbay = createPatchbay({ functions: { invoke: async () => ({ data: { url: 'https://start.example' }, error: null }) } })
    const failure = await patchbay.completeConnection().catch((error) => error.code)
    await patchbay.connect('slack')
    console.log(JSON.stringify({ failure, visited, href: location.href }))`
  const args = ['--experimental-vm-modules', '--no-warnings', '--input-type=module', '-e', script]
  const { stdout } = await run(process.execPath, args, { cwd: packageDir })
  expect(JSON.parse(stdout)).toEqual({
    failure: 'access_denied',
    visited: ['https://start.example'],
    href: 'https://app.example/',
  })
})

it.each(['bundler', 'nodenext'])(
  'does not compile with a provider, an option or a list that does not exist (%s)',
  async (resolution) => {
    const problems = await compile(
      { moduleResolution: resolution, module: resolution === 'bundler' ? 'esnext' : 'nodenext', lib: ['es2022', 'dom'] },
      `import { createClient } from '@supabase/supabase-js'
    import { createPatchbay, status, PatchbayClientError, type ErrorCode, type ProviderId } from '@patchbay/client'
    interface Database { public: { Tables: {}; Views: {}; Functions: {} } }
    const supabase = createClient<Database>('https://abcd.supabase.co', 'sb_publishable_1')
    const patchbay = createPatchbay(supabase, { redirectTo: 'https://app.example/settings' })
    const departure: { url: string; state?: string } = await patchbay.connect('google-drive', { flow: 'client', navigate: false })
    const slack = await status(supabase, 'slack')
    const provider: ProviderId = slack.provider
    const label: string | undefined = (await patchbay.list('procore', 'companies'))[0]?.label
    const failures: number = (await patchbay.syncEndpoint('8f14e45f-ceea-467f-a0e6-f1b0a1c3d5b2')).consecutive_failures
    const found: string[] = (await patchbay.testEndpoint({ endpoint_type: 'google_drive' })).names
    // @ts-expect-error -- no such field
    await patchbay.testEndpoint({ endpoint_type: 'google_drive', config: {} })
    // @ts-expect-error -- no such provider
    await patchbay.connect('google-drives')
    // @ts-expect-error -- no such option
    await patchbay.connect('slack', { redirect_to: 'https://app.example' })
    // @ts-expect-error -- no such flow
    await patchbay.reconnect('slack', { flow: 'popup' })
    // @ts-expect-error -- another provider's list
    await patchbay.list('slack', 'calendars')
    // @ts-expect-error -- a status carries no token
    slack.accessToken
    // @ts-expect-error -- no such status
    if (slack.status === 'connected') throw new Error()
    try {
      await patchbay.disconnect('jobber', { deleteRows: true })
    } catch (error) {
      if (!(error instanceof PatchbayClientError)) throw error
      // @ts-expect-error -- no such code
      if (error.code === 'needs_reconnect') throw error
      const code: ErrorCode | 'network_error' | 'unexpected_answer' = error.code
    }`,
    )
    expect(problems).toBe('')
  },
)

it('declares what the schemas of the server say', async () => {
  const { compilerOptions } = JSON.parse(await readFile(join(ownProjectDir, 'tsconfig.base.json'), 'utf8')) as {
    compilerOptions: object
  }
  const source = JSON.stringify(join(ownProjectDir, 'src/client/contract.ts'))
  const published = JSON.stringify('./node_modules/@patchbay/client/contract.js')
  const problems = await compile(
    { ...compilerOptions, lib: ['es2024', 'dom'] },
    `import type * as source from ${source}
    import type * as published from ${published}
    type Both<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
    type Facts<T> = Omit<T, 'provider'>
    export const same: [
      Both<source.Choice, published.Choice>,
      Both<Facts<source.IntegrationStatus>, Facts<published.IntegrationStatus>>,
      Both<Facts<source.ProviderStatus>, Facts<published.ProviderStatus>>,
      Both<source.AuthorizeAnswer, published.AuthorizeAnswer>,
      Both<Facts<source.CompleteAnswer>, Facts<published.CompleteAnswer>>,
      Both<source.ErrorCode, published.ErrorCode>,
    ] = [true, true, true, true, true, true]`,
  )
  expect(problems).toBe('')
})

/** What the compiler has to say. */
async function compile(options: object, text: string): Promise<string> {
  const dir = join(app.path, `app-${crypto.randomUUID()}`)
  await mkdir(dir)
  await symlink(join(app.path, 'node_modules'), join(dir, 'node_modules'))
  await writeFile(join(dir, 'package.json'), JSON.stringify({ type: 'module' }))
  await writeFile(join(dir, 'app.ts'), text)
  const compilerOptions = { target: 'es2022', strict: true, types: [], skipLibCheck: true, ...options, noEmit: true }
  await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }))
  const tsc = join(ownProjectDir, 'node_modules/typescript/bin/tsc')
  const { stdout } = await run(process.execPath, [tsc, '-p', dir]).catch((error: { stdout: string }) => error)
  return stdout
}

async function reachable(name: string, seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(name)) return seen
  seen.add(name)
  for (const specifier of specifiers(await readFile(join(packageDir, name), 'utf8'))) await reachable(specifier.slice(2), seen)
  return seen
}

function specifiers(text: string): string[] {
  return [...text.matchAll(/\b(?:from|import) ?\(?["']([^"']+)["']/g)].map(([, specifier]) => specifier ?? '')
}
