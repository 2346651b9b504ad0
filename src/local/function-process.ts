import { createWriteStream, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { startChild, type Child } from './child.ts'
import type { FunctionConfig } from './function-config.ts'

/** The package that holds the Deno to run: the newest, or the one that hosted Edge Functions are built on. */
export type DenoVersion = 'deno' | 'deno-2.1.4'

export interface FunctionProcessOptions {
  name: string
  config: FunctionConfig
  /** The folder whose node_modules, or its parents', has the packages. */
  projectDir: string
  /** All that the function can read from its environment. */
  env: Readonly<Record<string, string>>
  /** The hosts it may reach, such as `api.example.com` or `127.0.0.1:54322`. */
  allowHosts: readonly string[]
  denoVersion: DenoVersion
  /** Deno's cache of compiled modules. */
  denoDir: string
  /** Gets what the function prints; its folder exists. */
  logPath: string
}

export interface FunctionProcess {
  /** Where it listens, such as `http://127.0.0.1:40001`. */
  origin: string
  /** Settles when the process has ended; never rejects. */
  exited: Promise<void>
  stop(): Promise<void>
}

/**
 * Starts one Edge Function under `deno serve`. It may use the network and its environment as far as named, and nothing else: no files,
 * no processes, no system information. Packages come from node_modules. Throws when it does not come up.
 */
export async function startFunction(options: FunctionProcessOptions): Promise<FunctionProcess> {
  const { name, projectDir, env, denoDir, logPath } = options
  const child = await startChild({
    command: findDeno(options.denoVersion),
    args: denoArgs(options),
    env: { ...env, DENO_DIR: denoDir, DENO_NO_UPDATE_CHECK: '1', DENO_NO_PROMPT: '1', NO_COLOR: '1' },
    cwd: projectDir,
    stdio: ['ignore', 'pipe', 'pipe'],
    orphanSignal: 'SIGKILL',
  })
  const origin = await listeningOrigin(child, logPath)
  if (origin === undefined) throw new Error(`The function ${name} did not start. Its log: ${logPath}`)
  return {
    origin,
    exited: child.exited,
    stop: () => child.stop('SIGKILL', 0),
  }
}

function denoArgs({ config, env, allowHosts }: FunctionProcessOptions): string[] {
  return [
    'serve',
    '--no-config',
    '--no-lock',
    ...(config.importMap === undefined ? [] : [`--import-map=${config.importMap}`]),
    // Offline, and the versions that package.json pins: a version that is not in node_modules is an error.
    '--node-modules-dir=manual',
    '--no-remote',
    '--cached-only',
    '--no-prompt',
    // As much memory as hosted gives, in MB.
    '--v8-flags=--max-old-space-size=256',
    `--allow-net=${allowHosts.join(',')}`,
    // Postgres drivers look for these when a setting is missing; they are not set.
    `--allow-env=${[...Object.keys(env), 'PG*'].join(',')}`,
    '--host=127.0.0.1',
    '--port=0',
    config.entrypoint,
  ]
}

function findDeno(version: DenoVersion): string {
  const require = createRequire(import.meta.url)
  const packageDir = dirname(require.resolve(`${version}/package.json`))
  const binary = join(packageDir, process.platform === 'win32' ? 'deno.exe' : 'deno')
  if (existsSync(binary)) return binary
  // npm was told to run no install scripts: this is what the script does.
  return (require(`${version}/install_api.cjs`) as { runInstall(): string }).runInstall()
}

/** Follows the output into the log; resolves with the address that Deno reports, or undefined when it ends before. */
function listeningOrigin(child: Child, logPath: string): Promise<string | undefined> {
  const log = createWriteStream(logPath, { flags: 'a' })
  void child.exited.then(() => log.end())
  return new Promise((resolve) => {
    void child.exited.then(() => resolve(undefined))
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', (line) => {
        const origin = /^deno serve: Listening on (http:\/\/[\d.]+:\d+)\//.exec(line)?.[1]
        if (origin === undefined) log.write(`${line}\n`)
        else resolve(origin)
      })
    }
  })
}
