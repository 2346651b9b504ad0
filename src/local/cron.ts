import { setTimeout as sleep } from 'node:timers/promises'
import { Cron } from 'croner'
import type { Sql } from 'postgres'
import { openSql } from './connection.ts'

const tickMs = 500
// As hosted.
const maxRunning = 8

interface Job {
  jobid: string
  schedule: string
  command: string
  username: string
  database: string
}

interface Plan {
  schedule: string
  dueAtMs: number
  running: boolean
}

/** Runs the jobs in `cron.job` as pg_cron does: in UTC, one run of a job at a time, each run noted in `cron.job_run_details`. */
export interface CronRunner {
  /** Starts no further job and cancels those that run. */
  stop(): Promise<void>
}

/** @param superuserUrl the database whose `cron.job` is served */
export async function startCron(superuserUrl: string): Promise<CronRunner> {
  const sql = connect(superuserUrl)
  const sessions = new Set<Sql>()
  await sql`
    update cron.job_run_details set status = 'failed', return_message = 'server restarted', end_time = now()
    where status = 'running'`
  const plans = new Map<string, Plan>()

  async function tick(): Promise<void> {
    const now = Date.now()
    const jobs = await sql<Job[]>`
      select jobid, schedule, command, username, database from cron.job where active`
    for (const jobid of plans.keys()) if (!jobs.some((job) => job.jobid === jobid)) plans.delete(jobid)
    for (const job of jobs) {
      let plan = plans.get(job.jobid)
      if (plan?.schedule !== job.schedule) {
        plan = { schedule: job.schedule, dueAtMs: nextRunMs(job.schedule, now), running: false }
        plans.set(job.jobid, plan)
      }
      if (plan.running || plan.dueAtMs > now || sessions.size >= maxRunning) continue
      plan.dueAtMs = nextRunMs(job.schedule, now)
      void start(job, plan)
    }
  }

  async function start(job: Job, plan: Plan): Promise<void> {
    plan.running = true
    const session = connect(superuserUrl)
    sessions.add(session)
    await runJob(sql, session, job).catch(ignore)
    await session.end({ timeout: 0 })
    sessions.delete(session)
    plan.running = false
  }

  const stopped = new AbortController()
  async function tickUntilStopped(): Promise<void> {
    while (!stopped.signal.aborted) {
      await tick().catch(ignore)
      await sleep(tickMs, undefined, { signal: stopped.signal }).catch(ignore)
    }
  }
  const ticking = tickUntilStopped()

  return {
    async stop() {
      stopped.abort()
      await ticking
      await Promise.all([sql, ...sessions].map((session) => session.end({ timeout: 0 })))
    },
  }
}

// What fails here, rather than in a job, is the connection: Postgres is gone or going, and its own log says why.
function ignore(): void {}

/** When a schedule is due next, in epoch milliseconds; never for one that cannot be read. */
function nextRunMs(schedule: string, nowMs: number): number {
  const seconds = /^\s*(\d+)\s+seconds?\s*$/i.exec(schedule)?.[1]
  if (seconds !== undefined) return nowMs + Number(seconds) * 1000
  try {
    // pg_cron writes the last day of the month as $, croner as L.
    const next = new Cron(schedule.replace('$', 'L'), { timezone: 'UTC', mode: '5-part' }).nextRun(new Date(nowMs))
    return next?.getTime() ?? Infinity
  } catch {
    return Infinity
  }
}

/** Runs a job in a session of its own, as pg_cron does. */
async function runJob(sql: Sql, session: Sql, job: Job): Promise<void> {
  const [run] = await sql<{ runid: string }[]>`
    insert into cron.job_run_details (jobid, database, username, command, status, start_time)
    values (${job.jobid}, ${job.database}, ${job.username}, ${job.command}, 'running', now())
    returning runid`
  const { status, message } = await runCommand(session, job)
  await sql`
    update cron.job_run_details set status = ${status}, return_message = ${message}, end_time = now()
    where runid = ${run?.runid ?? null}`
}

async function runCommand(session: Sql, job: Job): Promise<{ status: string; message: string }> {
  try {
    await session`select set_config('session_authorization', ${job.username}, false)`
    const result = await session.unsafe(job.command).simple()
    // Several statements give several results.
    const last = Array.isArray(result[0]) ? result.at(-1) : result
    return { status: 'succeeded', message: `${last?.['command'] ?? ''} ${last?.['count'] ?? ''}`.trim() }
  } catch (error) {
    return { status: 'failed', message: `ERROR:  ${(error as Error).message}` }
  }
}

function connect(url: string): Sql {
  return openSql(url)
}
