import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSql } from './connection.ts'
import { isAlive } from './process-alive.ts'

/** The application name of the connection that a living owner keeps open. */
export const ownerName = 'patchbay owner'

export interface PostmasterState {
  pid: number
  port: number
  /** True once it accepts connections. */
  ready: boolean
}

/** What `postmaster.pid` says; undefined when there is none. https://www.postgresql.org/docs/17/storage-file-layout.html */
export async function postmasterState(dir: string): Promise<PostmasterState | undefined> {
  const text = await readFile(join(dir, 'postmaster.pid'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const lines = text.split('\n')
  return { pid: Number(lines[0]), port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' }
}

/**
 * Stops the server that a killed run left on this data directory. Throws when its owner lives.
 * @param superuserUrl the connection string for a port
 */
export async function endPreviousRun(dir: string, superuserUrl: (port: number) => string): Promise<void> {
  const state = await postmasterState(dir)
  if (state === undefined) return
  if (await isPostmaster(state.pid, dir)) {
    if (await keepsOwner(superuserUrl(state.port))) {
      throw new Error(`${dir} is in use by another run of Patchbay. Stop that one first.`)
    }
    await stopPostmaster(state.pid, dir)
  }
  // Postgres would take any process that has the number by now for the old server, and refuse to start.
  await rm(join(dir, 'postmaster.pid'), { force: true })
}

async function isPostmaster(pid: number, dir: string): Promise<boolean> {
  if (!isAlive(pid)) return false
  if (process.platform !== 'linux') return true
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return commandLine.split('\0').includes(dir)
}

/** Looks for a second, because the server may take a moment to notice that its owner was killed. */
async function keepsOwner(url: string): Promise<boolean> {
  for (let look = 0; look < 10; look += 1) {
    if (!(await hasOwner(url))) return false
    await sleep(100)
  }
  return true
}

async function hasOwner(url: string): Promise<boolean> {
  const sql = openSql(url, { connect_timeout: 5 })
  try {
    const rows = await sql`select from pg_stat_activity where application_name = ${ownerName}`
    return rows.length > 0
  } catch {
    // It is stopping, or was never set up: either way nobody works with it.
    return false
  } finally {
    await sql.end({ timeout: 0 })
  }
}

async function stopPostmaster(pid: number, dir: string): Promise<void> {
  for (const [signal, waitMs] of [
    ['SIGINT', 20_000],
    ['SIGKILL', 5_000],
  ] as const) {
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    for (let waited = 0; waited < waitMs; waited += 20) {
      if (!(await isPostmaster(pid, dir))) return
      await sleep(20)
    }
  }
  throw new Error(`The Postgres of an earlier run (process ${pid}) does not stop.`)
}
