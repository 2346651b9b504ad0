import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildClient } from '../../scripts/build-client.ts'
import { startPlatform } from '../../src/local/platform.ts'
import { sandboxEnv } from '../../src/local/sandbox-env.ts'
import type { Platform } from '../../src/local/services.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { serveApp, type App } from './app.ts'
import { startChromium, type ThirdPartyCookies } from './chromium.ts'
import { Person } from './person.ts'

/** The local platform with the sandbox, an app on it, and the people who use it. */
export interface Stage extends AsyncDisposable {
  app: App
  platform: Platform
  sandbox: Sandbox
  /** Everybody who has been here; they stay to the end. */
  people: readonly Person[]
  /** Signs a new person up, in a browser of their own. */
  openPerson(thirdPartyCookies?: ThirdPartyCookies): Promise<Person>
}

export async function openStage(): Promise<Stage> {
  await using started = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'patchbay-browser-'))
  started.defer(() => rm(dir, { recursive: true, force: true }))
  const clientDir = join(dir, 'client')
  buildClient(clientDir)
  const app = started.use(await serveApp(clientDir))
  // By another name than the project, whose cookies it would share: to browsers, a port makes no other site.
  const sandbox = started.use(await startSandbox({ host: 'localhost' }))
  const platform = started.use(
    await startPlatform({
      port: 0,
      dataDir: join(dir, 'platform'),
      durable: false,
      sandboxUrl: sandbox.url,
      functionEnv: {
        ...sandboxEnv(sandbox.url),
        CONNECTOR_REDIRECT_URLS: app.settingsUrl,
        CONNECTOR_TOKEN_KEYS: `test:${randomBytes(32).toString('base64url')}`,
      },
    }),
  )
  app.use({ url: platform.url, publishableKey: platform.keys.publishableKey })

  const people: Person[] = []
  const running = started.move()
  return {
    app,
    platform,
    sandbox,
    people,
    openPerson: async (thirdPartyCookies = 'allowed') => {
      const browser = await startChromium(await mkdtemp(join(dir, 'profile-')), thirdPartyCookies)
      running.defer(() => browser.close())
      const person = new Person({ browser, settingsUrl: app.settingsUrl, sandboxUrl: sandbox.url })
      people.push(person)
      await person.signUp()
      return person
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
