import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { styleText } from 'node:util'
import { Command, InvalidArgumentError } from 'commander'
import { connectPageUrl } from './connect/connect-page.ts'
import { type Connection, connectProviders } from './demo/connections.ts'
import { appUrl } from './demo/connect.ts'
import { type DemoResult, type Narrator, runDemo } from './demo/demo.ts'
import type { PersonView } from './demo/report.ts'
import { keepRoot } from './kept-root.ts'
import { createNarrator } from './narrator.ts'
import { parsePort } from './parse-port.ts'
import { startPlatform } from './platform.ts'
import { announcePlatform } from './running-platform.ts'
import { sandboxEnv } from './sandbox-env.ts'
import { startSandboxProcess } from './sandbox-process.ts'
import { ownProjectDir, type Platform } from './services.ts'
import { formatTable } from './table.ts'
import { loadTokenKey } from './token-key.ts'
import { stopOnSignals } from './stop-on-signals.ts'
import { writeWorkerEnv } from './worker-env.ts'

interface Options {
  root: string
  port: number
  once: boolean
  json: boolean
}

type Result = DemoResult & { connections: Connection[] }

// The entry of `npm start`.
const program = new Command('npm start --')
  .description('Starts the local platform and does the main job: connects every provider, keeps files in Postgres under RLS.')
  .option('--root <dir>', 'the folder whose files the sandbox serves', parseFolder, ownProjectDir)
  .option('--port <port>', 'the port of REST, Auth and Edge Functions', parsePort, 54321)
  .option('--once', 'end after the report; the exit code is 1 if any figure is wrong', false)
  .option('--json', 'print the report as JSON', false)
  .parse()

const stopping = stopOnSignals()

try {
  process.exitCode = await start(program.opts<Options>())
} catch (error) {
  // What breaks because it was interrupted is not worth telling.
  const { aborted } = stopping
  if (!aborted) process.stderr.write(`${styleText('red', '✗')} ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = aborted ? 130 : 1
}
// The servers are stopped; what a library may still hold open is no reason to stay.
process.exit()

async function start(options: Options): Promise<number> {
  await using started = new AsyncDisposableStack()
  const narrator = createNarrator(process.stderr)
  started.defer(() => narrator.stop())
  const dataDir = join(ownProjectDir, '.local')

  await keepRoot(dataDir, resolve(options.root))
  narrator.step('Starting the sandbox')
  const sandbox = await startSandboxProcess(resolve(options.root), dataDir)
  started.defer(() => sandbox.child.stop('SIGTERM', 10_000))
  narrator.done(sandbox.url)

  narrator.step('Starting the platform')
  const env = await functionEnv(dataDir, sandbox.url)
  const platform = started.use(
    await startPlatform({
      port: options.port,
      dataDir,
      sandboxUrl: sandbox.url,
      functionEnv: env,
      progress: (step, fraction) => narrator.progress(fraction, step),
    }),
  )
  narrator.done(platform.url)

  started.use(await announcePlatform(dataDir, { url: platform.url, sandboxUrl: sandbox.url }))
  await writeWorkerEnv(join(dataDir, 'env'), platform, env)

  const result = await Promise.race([play(platform, sandbox.url, narrator), interrupted()])
  if (!result) return 130
  print(platform, sandbox.url, result, options)
  if (result.wrong.length > 0) return 1
  if (options.once) return 0
  if (!options.json) {
    console.log('\nCommands in another terminal, such as npm run endpoint -- list, find it after: ln -s .local/env .env')
    console.log('Ctrl-C stops it all; the next start goes on from here. npm run reset empties it.')
  }
  await interrupted()
  return 0
}

async function play(platform: Platform, sandboxUrl: string, narrator: Narrator): Promise<Result> {
  const { connections, wrong } = await connectProviders(platform, narrator)
  const demo = await runDemo(platform, sandboxUrl, narrator)
  return { ...demo, connections, wrong: [...wrong, ...demo.wrong] }
}

/** Resolves with Ctrl-C. */
function interrupted(): Promise<void> {
  if (stopping.aborted) return Promise.resolve()
  return new Promise((done) => stopping.addEventListener('abort', () => done(), { once: true }))
}

/** What the operator of a hosted project sets as secrets of the Edge Functions. */
async function functionEnv(dataDir: string, sandboxUrl: string): Promise<Record<string, string>> {
  return {
    ...sandboxEnv(sandboxUrl),
    CONNECTOR_REDIRECT_URLS: `${appUrl},${connectPageUrl}`,
    CONNECTOR_TOKEN_KEYS: await loadTokenKey(join(dataDir, 'token-key')),
  }
}

function print(platform: Platform, sandboxUrl: string, result: Result, options: Options): void {
  const addresses = {
    API: platform.url,
    Sandbox: sandboxUrl,
    Database: platform.dbUrl,
    'Publishable key': platform.keys.publishableKey,
    'Secret key': platform.keys.secretKey,
  }
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ...result, addresses }, null, 2)}\n`)
    return
  }
  console.log(`\n${styleText('bold', 'What is connected')}`)
  for (const line of formatTable(result.connections.map(asRow))) console.log(line)
  printView(result.first)
  printView(result.second)
  console.log(`\n${styleText('bold', 'Where it runs')}`)
  for (const [name, value] of Object.entries(addresses)) console.log(`  ${name.padEnd(16)}${value}`)
  for (const line of result.wrong) console.log(`${styleText('red', '✗')} ${line}`)
}

function asRow({ tokenValidUntil, choices, ...rest }: Connection): Record<string, unknown> {
  return { ...rest, 'token valid until': tokenValidUntil, 'to choose from': choices }
}

function printView(view: PersonView): void {
  console.log(`\n${styleText('bold', `What ${view.email} sees`)}: ${view.files.toLocaleString('en')} files`)
  const parts = { 'newest files': view.someFiles, 'newest sync runs': view.runs, 'token status': view.tokens }
  for (const [title, rows] of Object.entries(parts)) {
    if (rows.length === 0) continue
    console.log(`\n  ${styleText('dim', title)}`)
    for (const line of formatTable(rows)) console.log(line)
  }
}

function parseFolder(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path
  throw new InvalidArgumentError('It is not a folder.')
}
