import { join } from 'node:path'
import type { ProviderDefinition } from '../../shared/providers/define.ts'
import { appUrl } from '../demo/connect.ts'
import type { Narrator } from '../demo/demo.ts'
import { loadKeys, type Keys } from '../keys.ts'
import { keepRoot, keptRoot } from '../kept-root.ts'
import { startPlatform } from '../platform.ts'
import { announcePlatform, findRunningPlatform } from '../running-platform.ts'
import { sandboxEnv } from '../sandbox-env.ts'
import { startSandboxProcess } from '../sandbox-process.ts'
import { ownProjectDir } from '../services.ts'
import { loadTokenKey } from '../token-key.ts'
import { connectPageUrl } from './connect-page.ts'
import { providerEnv, providerHosts, type Target } from './target.ts'

/** A platform to connect on. Disposing of it stops what was started for it. */
export interface OpenPlatform extends AsyncDisposable {
  url: string
  keys: Keys
}

interface Options {
  target: Target
  env: Readonly<Record<string, string | undefined>>
  port: number
  dataDir: string
  narrator: Narrator
}

/** The platform that is running, if it goes to the same target; else a new one on the same data. Throws when another one is in the way. */
export async function openPlatform(definition: ProviderDefinition, options: Options): Promise<OpenPlatform> {
  const { target, dataDir } = options
  const running = await findRunningPlatform(dataDir)
  if (!running) return startOwn(definition, options)
  if (target === 'sandbox' && running.sandboxUrl !== null) {
    return { url: running.url, keys: await loadKeys(join(dataDir, 'keys.json')), [Symbol.asyncDispose]: async () => {} }
  }
  throw new Error(
    `The local platform is running (process ${running.pid}) with ${running.sandboxUrl === null ? 'a provider' : 'the sandbox'}.` +
      ` End that first: this command then starts one with ${target === 'provider' ? definition.name : 'the sandbox'}.`,
  )
}

async function startOwn(
  definition: ProviderDefinition,
  { target, env, port, dataDir, narrator }: Options,
): Promise<OpenPlatform> {
  await using started = new AsyncDisposableStack()
  narrator.step('Starting the platform')
  const sandboxUrl = target === 'sandbox' ? await startSandbox(dataDir, started) : undefined
  const platform = started.use(
    await startPlatform({
      port,
      dataDir,
      ...(sandboxUrl === undefined ? { providerHosts: providerHosts(definition, env) } : { sandboxUrl }),
      functionEnv: {
        ...(sandboxUrl === undefined ? providerEnv(definition, env) : sandboxEnv(sandboxUrl)),
        CONNECTOR_REDIRECT_URLS: `${connectPageUrl},${appUrl}`,
        CONNECTOR_TOKEN_KEYS: await loadTokenKey(join(dataDir, 'token-key')),
      },
      progress: (step, fraction) => narrator.progress(fraction, step),
    }),
  )
  started.use(await announcePlatform(dataDir, { url: platform.url, sandboxUrl: sandboxUrl ?? null }))
  narrator.done(`${platform.url}, with ${target === 'provider' ? definition.name : `the sandbox at ${sandboxUrl}`}`)
  const running = started.move()
  return { url: platform.url, keys: platform.keys, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

async function startSandbox(dataDir: string, started: AsyncDisposableStack): Promise<string> {
  const root = (await keptRoot(dataDir)) ?? ownProjectDir
  await keepRoot(dataDir, root)
  const { url, child } = await startSandboxProcess(root, dataDir)
  started.defer(() => child.stop('SIGTERM', 10_000))
  return url
}
