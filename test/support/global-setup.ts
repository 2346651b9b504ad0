import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { bootstrapText } from '../../src/local/bootstrap.ts'
import { prepareDatabase } from '../../src/local/database.ts'
import { startPostgres } from '../../src/local/postgres.ts'
import { ownProjectDir } from '../../src/local/services.ts'
import { isAlive } from '../../src/local/process-alive.ts'

const localDir = join(ownProjectDir, '.local')

declare module 'vitest' {
  interface ProvidedContext {
    /** The port of the Postgres that all test files share. */
    postgresPort: number
  }
}

/** Starts one Postgres for the whole run; its database `postgres` has all migrations and is what each test database is copied from. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const template = await buildTemplate()
  await removeAbandonedRuns()
  const runDir = join(localDir, `test-run-${process.pid}`)
  await rm(runDir, { recursive: true, force: true })
  await mkdir(runDir, { recursive: true })
  // cp, because it keeps owners: as root, Postgres runs under another account.
  await promisify(execFile)('cp', ['-a', template, join(runDir, 'postgres')])
  const server = await startPostgres({ dir: join(runDir, 'postgres'), port: 0, durable: false })
  project.provide('postgresPort', server.port)
  return async () => {
    await server.stop()
    await rm(runDir, { recursive: true, force: true })
  }
}

/** The data directory with all migrations, made again when one of them or the bootstrap has changed. */
async function buildTemplate(): Promise<string> {
  const name = `template-${await fingerprint()}`
  const done = join(localDir, name, 'postgres')
  if (existsSync(done)) return done
  await mkdir(localDir, { recursive: true })
  for (const old of await entries('template-')) await rm(join(localDir, old), { recursive: true, force: true })
  const draft = join(localDir, `draft-${process.pid}`)
  const server = await startPostgres({ dir: join(draft, 'postgres'), port: 0, durable: false })
  try {
    await prepareDatabase((role) => server.url(role, 'postgres'), ownProjectDir, draft)
  } finally {
    await server.stop()
  }
  await rename(draft, join(localDir, name)).catch(async (error: NodeJS.ErrnoException) => {
    // Another run was faster.
    if (!existsSync(done)) throw error
    await rm(draft, { recursive: true, force: true })
  })
  return done
}

async function fingerprint(): Promise<string> {
  const hash = createHash('sha256').update(await bootstrapText())
  const migrations = join(ownProjectDir, 'supabase/migrations')
  for (const name of (await readdir(migrations)).toSorted()) hash.update(name).update(await readFile(join(migrations, name)))
  // The pinned versions of Postgres and of the CLI.
  return hash
    .update(await readFile(join(ownProjectDir, 'package.json')))
    .digest('hex')
    .slice(0, 12)
}

/** A run that was killed could not delete its folder. */
async function removeAbandonedRuns(): Promise<void> {
  for (const name of await entries('test-run-')) {
    if (!isAlive(Number(name.slice('test-run-'.length)))) await rm(join(localDir, name), { recursive: true, force: true })
  }
}

async function entries(prefix: string): Promise<string[]> {
  return (await readdir(localDir)).filter((name) => name.startsWith(prefix))
}
