import type { Sql } from 'postgres'
import { asPatchbayError } from '../shared/failure.ts'
import { type Job, type JobQueue, createJobQueue } from '../shared/jobs/queue.ts'
import type { Runtime } from '../shared/runtime.ts'
import { type RunOutcome, runSync } from '../shared/sync/run-sync.ts'

/** What the endpoint's runs have done since the command began. */
export interface SyncProgress {
  status: string
  runs: number
  fetched: number
  inserted: number
  updated: number
  unchanged: number
  deleted: number
  requests: number
  error_code: string | null
  error_message: string | null
}

export interface SyncHereOptions {
  /** Aborts when the run has to be handed back. */
  told: AbortSignal
  show: (progress: SyncProgress, by: 'here' | 'worker') => void
}

/** As a worker: a run ends after this long and goes on as another one. */
const runMs = 5 * 60_000
const heartbeatMs = 4_000
const superviseMs = 10_000
const showMs = 300

/**
 * Syncs an endpoint to the end in this process, as a worker that has its job; where a worker has it already, follows that one. Null: it was
 * told to stop, and a worker goes on. Throws what the database refuses of an endpoint that is paused or has no account.
 */
export async function syncHere(
  runtime: Runtime,
  endpointId: string,
  { told, show }: SyncHereOptions,
): Promise<SyncProgress | null> {
  const { sql } = runtime
  await sql`select patchbay.require_runnable(e) from public.endpoints e where e.id = ${endpointId}::uuid`
  const [{ since }] = await sql<[{ since: string }]>`select clock_timestamp()::text as since`
  const queue = createJobQueue(runtime.config.databaseUrl)
  let by: 'here' | 'worker' = 'here'
  const timer = setInterval(() => void readProgress(sql, endpointId, since).then((progress) => show(progress, by), noop), showMs)
  try {
    while (!told.aborted) {
      const job = await takeJob(sql, endpointId)
      by = job ? 'here' : 'worker'
      const outcome = job ? await runJob(runtime, queue, job, told) : 'superseded'
      const again = outcome === 'superseded' ? await followJob(runtime, queue, endpointId, told) : outcome === 'partial'
      if (!again) return await readProgress(sql, endpointId, since)
    }
    return null
  } finally {
    clearInterval(timer)
    await queue.close()
  }
}

async function takeJob(sql: Sql, endpointId: string): Promise<Job<'sync'> | undefined> {
  const [row] = await sql<{ id: string; retry_count: number }[]>`select * from patchbay.take_sync_job(${endpointId}::uuid)`
  return row && { id: row.id, name: 'sync', data: { endpoint_id: endpointId }, group: null, retryCount: row.retry_count }
}

/** One run, as a worker's. If this process dies, the heartbeat runs out and a worker takes the job. */
async function runJob(runtime: Runtime, queue: JobQueue, job: Job<'sync'>, told: AbortSignal): Promise<RunOutcome> {
  const heartbeat = setInterval(() => void queue.touch([job]).catch(noop), heartbeatMs)
  const end = runtime.now() + runMs
  const budget = {
    get deadline() {
      return told.aborted ? 0 : end
    },
    pages: Number.POSITIVE_INFINITY,
  }
  try {
    const outcome = await runSync(runtime, job.data.endpoint_id, budget)
    await queue.complete(job)
    return outcome
  } catch (error) {
    await queue.fail(job, { code: asPatchbayError(error).code }).catch(noop)
    if (told.aborted) return 'partial'
    throw error
  } finally {
    clearInterval(heartbeat)
  }
}

/** Waits until no worker has the endpoint's job. True: there is more to do than that did. */
async function followJob(runtime: Runtime, queue: JobQueue, endpointId: string, told: AbortSignal): Promise<boolean> {
  let supervisedAt = Number.NEGATIVE_INFINITY
  let targetsOnly = false
  while (!told.aborted) {
    const job = await findActiveJob(runtime.sql, endpointId)
    if (!job) break
    targetsOnly = job.targets_only
    // A worker that has died keeps its job until somebody notices.
    if (runtime.now() - supervisedAt >= superviseMs) {
      await queue.supervise()
      supervisedAt = runtime.now()
    }
    await runtime.sleep(showMs)
  }
  return targetsOnly || (await isUnfinished(runtime.sql, endpointId))
}

async function findActiveJob(sql: Sql, endpointId: string): Promise<{ targets_only: boolean } | undefined> {
  const [job] = await sql<{ targets_only: boolean }[]>`
    select data ? 'targets_only' as targets_only from pgboss.job
    where name = 'sync' and coalesce(singleton_key, '') = ${endpointId} and state = 'active' and policy = 'exclusive'`
  return job
}

/** Without a job: `running`, because its worker has died; `pending`, because it is to begin anew; `stopped`, also during the next pass. */
async function isUnfinished(sql: Sql, endpointId: string): Promise<boolean> {
  const rows = await sql`
    select from public.endpoints e
    left join patchbay.sync_state s on s.endpoint_id = e.id
    where e.id = ${endpointId}::uuid and e.enabled and (
      e.last_sync_status in ('partial', 'running', 'pending')
      or (e.last_sync_status = 'stopped' and e.consecutive_failures = 0 and s.pass = 'full' and s.cursor is not null)
    )`
  return rows.length > 0
}

async function readProgress(sql: Sql, endpointId: string, since: string): Promise<SyncProgress> {
  const [row] = await sql<[SyncProgress]>`
    select
      coalesce((array_agg(l.status order by l.started_at desc))[1], 'waiting') as status, count(*)::int as runs,
      coalesce(sum(l.fetched), 0)::float8 as fetched, coalesce(sum(l.inserted), 0)::float8 as inserted,
      coalesce(sum(l.updated), 0)::float8 as updated, coalesce(sum(l.unchanged), 0)::float8 as unchanged,
      coalesce(sum(l.deleted), 0)::float8 as deleted, coalesce(sum(l.requests), 0)::float8 as requests,
      (array_agg(l.error_code order by l.started_at desc))[1] as error_code,
      (array_agg(l.error_message order by l.started_at desc))[1] as error_message
    from public.sync_logs l
    -- No run takes longer than an hour.
    where l.endpoint_id = ${endpointId}::uuid and l.started_at > ${since}::timestamptz - interval '1 hour'
      and coalesce(l.finished_at, 'infinity') > ${since}::timestamptz`
  return row
}

function noop(): void {}
