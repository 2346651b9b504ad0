import { setTimeout as sleep } from 'node:timers/promises'
import { Cron } from 'croner'
import postgres, { type Sql } from 'postgres'

const tickMs = 500

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
  const sql = postgres(superuserUrl, { max: 1, onnotice: () => {} })
  // As hosted: at most 8 jobs at a time.
  const workers = postgres(superuserUrl, { max: 8, idle_timeout: 30, onnotice: () => {} })
  await sql`
    update cron.job_run_details set status = 'failed', return_message = 'server restarted', end_time = now()
    where status = 'running'`
  const plans = new Map<string, Plan>()

  async function tick(): Promise<void> {
    const now = Date.now()
    const jobs = await sql<Job[]>`
      select jobid, schedule, command, username, database from cron.job where active and database = current_database()`
    for (const jobid of plans.keys()) if (!jobs.some((job) => job.jobid === jobid)) plans.delete(jobid)
    for (const job of jobs) {
      let plan = plans.get(job.jobid)
      if (plan?.schedule !== job.schedule) {
        plan = { schedule: job.schedule, dueAtMs: nextRunMs(job.schedule, now), running: false }
        plans.set(job.jobid, plan)
      }
      if (plan.running || plan.dueAtMs > now) continue
      plan.dueAtMs = nextRunMs(job.schedule, now)
      void start(job, plan)
    }
  }

  async function start(job: Job, plan: Plan): Promise<void> {
    plan.running = true
    await runJob(workers, job).catch(ignore)
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
      await Promise.all([sql.end({ timeout: 1 }), workers.end({ timeout: 1 })])
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

async function runJob(sql: Sql, job: Job): Promise<void> {
  const connection = await sql.reserve()
  try {
    const [run] = await connection<{ runid: string }[]>`
      insert into cron.job_run_details (jobid, job_pid, database, username, command, status, start_time)
      values (${job.jobid}, pg_backend_pid(), ${job.database}, ${job.username}, ${job.command}, 'running', now())
      returning runid`
    const { status, message } = await runCommand(connection, job)
    await connection`
      update cron.job_run_details set status = ${status}, return_message = ${message}, end_time = now()
      where runid = ${run?.runid ?? null}`
  } finally {
    connection.release()
  }
}

async function runCommand(connection: Sql, job: Job): Promise<{ status: string; message: string }> {
  try {
    await connection.unsafe(`set session authorization ${quoteIdentifier(job.username)}`)
    const result = await connection.unsafe(job.command).simple()
    const last = Array.isArray(result[0]) ? result.at(-1) : result
    return { status: 'succeeded', message: `${last?.['command'] ?? ''} ${last?.['count'] ?? ''}`.trim() }
  } catch (error) {
    return { status: 'failed', message: `ERROR:  ${(error as Error).message}` }
  } finally {
    // The command may have left a transaction open.
    await connection.unsafe('rollback').catch(() => {})
    await connection.unsafe('reset session authorization; reset all')
  }
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
