import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectPageUrl } from '../../src/local/connect/connect-page.ts'
import { chooseTarget, providerEnv, providerHosts } from '../../src/local/connect/target.ts'
import { Browser } from '../../src/local/demo/browser.ts'
import { announcePlatform, findRunningPlatform } from '../../src/local/running-platform.ts'
import { sandboxEnv } from '../../src/local/sandbox-env.ts'
import { approveConsent, type ConsentChoice } from '../../src/sandbox/consent.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { findProvider } from '../../src/shared/providers/registry.ts'
import { scratchDir, type ScratchDir } from '../local/scratch.ts'
import { startTestPlatform, type TestPlatform } from '../support/database.ts'
import { until } from '../support/until.ts'

const procore = findProvider('procore')
const registered = { PROCORE_CLIENT_ID: 'id', PROCORE_CLIENT_SECRET: 'secret' }

describe('npm run connect decides', () => {
  it('for the provider when its app is registered, else for the sandbox', () => {
    expect(chooseTarget(procore, {})).toBe('sandbox')
    expect(chooseTarget(procore, { PROCORE_CLIENT_ID: '' })).toBe('sandbox')
    expect(chooseTarget(procore, registered)).toBe('provider')
    expect(chooseTarget(procore, registered, 'sandbox')).toBe('sandbox')
    expect(chooseTarget(procore, registered, 'provider')).toBe('provider')
  })

  it('for the sandbox with the environment of npm start, whose registrations no provider knows', () => {
    const local = sandboxEnv('http://127.0.0.1:54400')
    expect(chooseTarget(procore, local)).toBe('sandbox')
    expect(() => chooseTarget(procore, local, 'provider')).toThrow('CONNECTOR_SANDBOX_URL is set.')
  })

  it('to let functions reach the hosts of the environment that is chosen, and no others', () => {
    expect(providerHosts(procore, {})).toEqual(['login.procore.com', 'api.procore.com'])
    const env = { ...registered, PROCORE_ENVIRONMENT: 'sandbox', SLACK_CLIENT_SECRET: 'no business of theirs' }
    expect(providerHosts(procore, env)).toEqual(['login-sandbox.procore.com', 'sandbox.procore.com'])
    expect(providerEnv(procore, env)).toEqual({ ...registered, PROCORE_ENVIRONMENT: 'sandbox' })
    expect(providerHosts(findProvider('autodesk'), {})).toContain('api.userprofile.autodesk.com')
  })
})

describe('npm run connect says', () => {
  it.each([
    [
      'which providers there are',
      ['nope'],
      {},
      'Known: autodesk, google-calendar, google-drive, jobber, outlook, procore, slack',
    ],
    ['which variables are missing, and where they come from', ['procore', '--against', 'provider'], {}, missing(...names(2))],
    ['which one is missing', ['procore'], { PROCORE_CLIENT_ID: 'id' }, missing('PROCORE_CLIENT_SECRET')],
    ['that nobody agrees for you at the provider', ['procore', '--yes'], registered, '--yes agrees in the sandbox only'],
    ['what --against takes', ['procore', '--against', 'luck'], {}, 'Allowed choices are sandbox, provider'],
  ])('%s', async (_what, args, env, message) => {
    const { code, stderr } = await connect(args, env)
    expect(stderr).toContain(message)
    expect(code).toBe(1)
  })
})

describe('npm run connect on a platform that is running', () => {
  let sandbox: Sandbox
  let dir: ScratchDir
  let platform: TestPlatform
  let announced: AsyncDisposable

  beforeAll(async () => {
    sandbox = await startSandbox()
    dir = await scratchDir()
    platform = await startTestPlatform({
      dataDir: dir.path,
      sandboxUrl: sandbox.url,
      functionEnv: {
        ...sandboxEnv(sandbox.url),
        CONNECTOR_REDIRECT_URLS: connectPageUrl,
        CONNECTOR_TOKEN_KEYS: `test:${randomBytes(32).toString('base64url')}`,
      },
    })
    announced = await announcePlatform(dir.path, { url: platform.url, sandboxUrl: sandbox.url })
  })
  afterAll(async () => {
    await announced[Symbol.asyncDispose]()
    await platform.stop()
    await sandbox.close()
    await dir[Symbol.asyncDispose]()
  })

  it('prints the connection when a person has agreed in the browser', async () => {
    const [{ code, stdout, stderr }, last] = await Promise.all([
      connect(['outlook', '--no-open', '--data-dir', dir.path]),
      consentInBrowser(),
    ])
    expect(stderr).toContain(`Open ${connectPageUrl} and agree`)
    expect(last).toContain('Connected: adele@contoso.example.')
    expect(stdout).toMatch(/^Outlook\n {2}account +adele@contoso.example\n {2}status +authenticated\n/)
    expect(stdout).toMatch(/\n {2}scopes +.*Calendars\.Read.*\n {2}missing scopes +–\n$/)
    expect(code).toBe(0)
  })

  it('says that the person declined', async () => {
    const [{ code, stderr }, last] = await Promise.all([
      connect(['outlook', '--no-open', '--data-dir', dir.path]),
      consentInBrowser({ deny: true }),
    ])
    expect(last).toContain('Not connected.')
    expect(stderr).toContain('The connection was declined at the provider. Connect again, and agree.')
    expect(code).toBe(1)
  })

  it('notices a connection whose browser did not find back to it', async () => {
    const args = ['jobber', '--no-open', '--json', '--data-dir', dir.path, '--user', 'remote@example.com']
    const [{ code, stdout }] = await Promise.all([connect(args), consentInBrowser({}, { findsBack: false })])
    expect(JSON.parse(stdout)).toMatchObject({ provider: 'jobber', connected: true })
    expect(code).toBe(0)
  })

  it('agrees by itself with --yes', async () => {
    const { code, stdout } = await connect(['procore', '--yes', '--json', '--data-dir', dir.path])
    expect(JSON.parse(stdout)).toMatchObject({ provider: 'procore', connected: true, tenant: { label: 'Cedar Ridge Builders' } })
    expect(code).toBe(0)
  })

  it('ends its waiting with Ctrl-C, and leaves the platform alone', async () => {
    const child = spawn(process.execPath, ['src/local/connect.ts', 'slack', '--no-open', '--data-dir', dir.path])
    let said = ''
    child.stderr.on('data', (text) => (said += String(text)))
    await until(async () => said.includes('Ctrl-C'))
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([130, null])
    expect((await fetch(`${platform.url}/health`)).status).toBe(200)
  })

  it('does not send to the sandbox who wants the provider', async () => {
    const { code, stderr } = await connect(['procore', '--data-dir', dir.path], registered)
    expect(stderr).toContain('is running')
    expect(stderr).toContain('with the sandbox. End that first')
    expect(code).toBe(1)
  })
})

it('npm run connect starts a platform of its own where none is running, and stops it', { timeout: 60_000 }, async () => {
  await using dir = await scratchDir()
  const root = join(dir.path, 'files')
  await mkdir(root)
  await writeFile(join(dir.path, 'root'), root)
  const { code, stdout, stderr } = await connect(['autodesk', '--yes', '--json', '--port', '0', '--data-dir', dir.path])
  expect(stderr).toContain('Starting the platform')
  expect(JSON.parse(stdout)).toMatchObject({ provider: 'autodesk', status: 'authenticated', hasValidToken: true })
  expect(code).toBe(0)
  expect(await findRunningPlatform(dir.path)).toBeUndefined()
})

/** Runs the command with no variable set but these. */
function connect(args: readonly string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const options = { env: { PATH: process.env['PATH'] ?? '', ...env } }
    const child = execFile(process.execPath, ['src/local/connect.ts', ...args], options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    )
  })
}

/** Does what a person does from the page on. Returns the last page. */
async function consentInBrowser(choice: ConsentChoice = {}, { findsBack = true } = {}): Promise<string> {
  const start = await startPage()
  const url = /href="([^"]*)"/.exec(start)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const browser = new Browser()
  const callback = await approveConsent(await browser.openRedirect(url, connectPageUrl), choice)
  const end = await browser.openRedirect(callback)
  return findsBack ? (await fetch(end)).text() : ''
}

async function startPage(): Promise<string> {
  let page: Response | undefined
  await until(async () => (page = await fetch(connectPageUrl).catch(() => undefined)) !== undefined)
  return (await page?.text()) ?? ''
}

function names(count: number): string[] {
  return ['PROCORE_CLIENT_ID', 'PROCORE_CLIENT_SECRET'].slice(0, count)
}

function missing(...variables: string[]): string {
  return `set ${variables.join(' and ')} in .env: docs/providers/procore.md says where to get them`
}
