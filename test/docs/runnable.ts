import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { noTelemetry } from '../../src/local/telemetry.ts'
import { readConfig } from '../../src/shared/config.ts'
import { completeEnv } from '../oauth/support.ts'
import { createTestDatabase } from '../support/database.ts'
import { root } from './documents.ts'

const run = promisify(execFile)

/** Commands of the documents that are run here, each with what a reader would look for afterwards. */
export const runnable: { command: RegExp; run: (command: string) => Promise<void> }[] = [
  { command: /^node -e "console\.log\('2026-11:'/, run: makesTokenKey },
  { command: /^node -e "console\.log\(require\('crypto'\)\.randomBytes/, run: makesWorkerSecret },
  { command: /^cp \.env\.example \.env$/, run: copiesExample },
  { command: /^npx supabase db push$/, run: pushesMigrations },
  { command: /^npx supabase db push --dry-run$/, run: pushesMigrations },
  { command: /^npm run sandbox$/, run: startsSandbox },
]

async function makesTokenKey(command: string): Promise<void> {
  const { tokenKeys } = readConfig({ ...completeEnv(), CONNECTOR_TOKEN_KEYS: await printedBy(command) })
  expect(tokenKeys).toMatchObject([{ id: '2026-11' }])
}

async function makesWorkerSecret(command: string): Promise<void> {
  const secret = await printedBy(command)
  expect(readConfig({ ...completeEnv(), CONNECTOR_WORKER_SECRET: secret }).workerSecret).toBe(secret)
}

async function copiesExample(command: string): Promise<void> {
  await using scratch = await scratchFolder()
  await copyFile(join(root, '.env.example'), join(scratch.path, '.env.example'))
  await run('sh', ['-c', command], { cwd: scratch.path })
  expect(await readFile(join(scratch.path, '.env'), 'utf8')).toContain('CONNECTOR_TOKEN_KEYS=')
}

/** Against a database here instead of the linked project; it has all migrations already. */
async function pushesMigrations(command: string): Promise<void> {
  await using database = await createTestDatabase()
  await using home = await scratchFolder()
  const { stdout, stderr } = await supabase(
    home.path,
    ...command.split(' ').slice(2),
    '--yes',
    `--remote=${database.url}?sslmode=disable`,
  )
  expect(stdout + stderr).toMatch(/up to date/i)
}

async function startsSandbox(command: string): Promise<void> {
  const child = spawn('sh', ['-c', `exec ${command} -- --json`], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  try {
    let printed = ''
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      printed += String(chunk)
      const [, line] = /^(\{.*\})$/m.exec(printed) ?? []
      if (line === undefined) continue
      const { url } = JSON.parse(line) as { url: string }
      expect((await fetch(url)).status).toBeLessThan(500)
      return
    }
    throw new Error(`The sandbox ended: ${printed}`)
  } finally {
    const exited = once(child, 'exit')
    // npm and the sandbox are a group of their own.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
    await exited
  }
}

/** Runs the pinned Supabase CLI. */
export async function supabase(home: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const cli = join(dirname(createRequire(import.meta.url).resolve('supabase/package.json')), 'dist/supabase.js')
  const env = { ...noTelemetry, HOME: home, PATH: process.env['PATH'] ?? '', NO_COLOR: '1' }
  return run(process.execPath, [cli, ...args], { env, cwd: root })
}

export async function scratchFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'patchbay-docs-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

async function printedBy(command: string): Promise<string> {
  const { stdout } = await run('sh', ['-c', command], { cwd: root })
  return stdout.trim()
}
