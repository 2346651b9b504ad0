import type { Sql } from 'postgres'
import { PatchbayError } from '../errors.ts'
import type { Cursor, Page, TargetPage } from '../sync/stream.ts'
import { expectReceipt } from './connection.ts'
import { toJson } from './json.ts'

/** A claimed run: what to read, from where, and the fence that every write must show. */
export interface ClaimedRun {
  run_id: string
  fence: bigint
  cursor: Cursor | null
  /** Items that the run has read already; more than 0 when it goes on after a worker died. */
  fetched: bigint
  endpoint_type: string
  endpoint_config: unknown
  file_types: string[] | null
  max_files_per_sync: number | null
  enabled: boolean
  schedule_type: 'interval' | 'cron'
  schedule_cron: string
  interval_minutes: number | null
  time_zone: string
  integration_id: string
  scopes: string[] | null
}

/** A page as `patchbay.merge_page` takes it. */
export interface PageToMerge extends Omit<Page, 'files'> {
  files: (Page['files'][number] & { type: string | null })[]
  /** Begins a pass. */
  first: boolean
  /** Items read, before the filter. */
  fetched: number
  requests: number
  bytes: number
}

export interface MergeResult {
  inserted: bigint
  updated: bigint
  unchanged: bigint
  deleted: bigint
  /** Set when the delete guard stopped the run: how many rows it would have deleted. */
  stopped_at: bigint | null
  /** False: the run ends here. */
  proceed: boolean
}

export interface FinishedRun {
  status: 'completed' | 'partial' | 'failed' | 'stopped'
  errorCode: string | null
  errorMessage: string | null
  requests: number
  bytes: number
  /** Null: the run was not the schedule's. */
  nextSyncAt: Date | null
}

/** An item that a webhook named; `seq` is this naming's. */
export interface Target {
  id: string
  seq: bigint
}

/** What was found of some targets, as `patchbay.merge_targets` takes it. */
export interface TargetsToMerge extends Omit<TargetPage, 'files'> {
  files: PageToMerge['files']
  targets: readonly Target[]
  /** Items read, before the filter. */
  fetched: number
  requests: number
  bytes: number
}

/** Takes over the endpoint's run. Undefined: the endpoint is gone, or has no account, or the run's job was cancelled. */
export async function claimRun(
  sql: Sql,
  endpointId: string,
  targetsOnly = false,
  jobId: string | null = null,
): Promise<ClaimedRun | undefined> {
  const [run] = await sql<ClaimedRun[]>`
    select * from patchbay.claim_run(${endpointId}::uuid, ${targetsOnly}::boolean, ${jobId}::uuid)`
  return run
}

/**
 * Merges a page in one statement. `received` resolves when Postgres executes it: from then on the page will be stored even if this
 * process dies, so that the next page may be requested. `result` rejects with `run_superseded` when another worker took over.
 */
export function mergePage(
  sql: Sql,
  endpointId: string,
  fence: bigint,
  page: PageToMerge,
): { received: Promise<void>; result: Promise<MergeResult> } {
  const receipt = crypto.randomUUID()
  const { received, forget } = expectReceipt(receipt)
  const result = sendPage(sql, endpointId, fence, page, receipt).finally(forget)
  return { received: Promise.race([received, result.then(noop, noop)]), result }
}

export async function finishRun(sql: Sql, endpointId: string, fence: bigint, run: FinishedRun): Promise<void> {
  await fenced(sql`
    select patchbay.finish_run(
      ${endpointId}::uuid, ${fence.toString()}::bigint, ${run.status}::text, ${run.errorCode}::text, ${run.errorMessage}::text,
      ${run.requests}::bigint, ${run.bytes}::bigint, ${run.nextSyncAt?.toISOString() ?? null}::timestamptz
    )`)
}

export async function resetCursor(sql: Sql, endpointId: string, fence: bigint): Promise<void> {
  await fenced(sql`select patchbay.reset_cursor(${endpointId}::uuid, ${fence.toString()}::bigint)`)
}

/** Folders of the endpoint whose contents are still to be read. */
export async function unlistedFolders(sql: Sql, endpointId: string, limit: number): Promise<string[]> {
  const rows = await sql<{ external_folder_id: string }[]>`
    select external_folder_id from patchbay.folders
    where endpoint_id = ${endpointId}::uuid and not listed and path is not null
    order by external_folder_id
    limit ${limit}::bigint`
  return rows.map((row) => row.external_folder_id)
}

/** Which of these folders are known to be within the endpoint. */
export async function knownFolders(sql: Sql, endpointId: string, ids: readonly string[]): Promise<Set<string>> {
  const rows = await sql<{ external_folder_id: string }[]>`
    select f.external_folder_id
    from pg_catalog.jsonb_array_elements_text(${toJson(ids)}::text::jsonb) as asked (id)
    join patchbay.folders f on f.endpoint_id = ${endpointId}::uuid and f.external_folder_id = asked.id
    where f.path is not null`
  return new Set(rows.map((row) => row.external_folder_id))
}

/** The endpoint's targets, the oldest first. */
export async function nextTargets(sql: Sql, endpointId: string, limit: number): Promise<Target[]> {
  return sql<Target[]>`
    select external_id as id, seq from patchbay.targets
    where endpoint_id = ${endpointId}::uuid
    order by seq
    limit ${limit}::bigint`
}

/** Leaves the endpoint's targets, up to the one named `last`, to a later time. */
export async function postponeTargets(
  sql: Sql,
  endpointId: string,
  fence: bigint,
  { last, delayMs }: { last: bigint; delayMs: number },
): Promise<void> {
  await fenced(sql`
    select patchbay.postpone_targets(
      ${endpointId}::uuid, ${fence.toString()}::bigint, ${last.toString()}::bigint,
      ${delayMs}::integer * interval '1 millisecond'
    )`)
}

/** Merges what was found of some targets, and forgets them. */
export async function mergeTargets(
  sql: Sql,
  endpointId: string,
  fence: bigint,
  page: TargetsToMerge,
): Promise<Omit<MergeResult, 'stopped_at'>> {
  const targets = page.targets.map(({ id, seq }) => ({ id, seq: seq.toString() }))
  const [result] = await fenced(sql<Omit<MergeResult, 'stopped_at'>[]>`
    select * from patchbay.merge_targets(
      ${endpointId}::uuid, ${fence.toString()}::bigint, ${toJson({ ...page, targets })}::text::jsonb
    )`)
  if (!result) throw new PatchbayError('internal_error', 'patchbay.merge_targets returned no row.')
  return result
}

/** Queues what has become due, so that it need not wait for the scheduler's next tick. */
export async function enqueueDue(sql: Sql): Promise<void> {
  await sql`select patchbay.enqueue_due()`
}

/** Runs the scheduler's tick now: queues what is due, and wakes the worker function for it. */
export async function dispatch(sql: Sql): Promise<void> {
  await sql`select patchbay.dispatch()`
}

async function sendPage(sql: Sql, endpointId: string, fence: bigint, page: PageToMerge, receipt: string): Promise<MergeResult> {
  const { rebuildPaths, orphanPath, ...rest } = page
  const json = toJson({ ...rest, rebuild_paths: rebuildPaths, orphan_path: orphanPath, receipt })
  const [result] = await fenced(sql<MergeResult[]>`
    select * from patchbay.merge_page(${endpointId}::uuid, ${fence.toString()}::bigint, ${json}::text::jsonb)`)
  if (!result) throw new PatchbayError('internal_error', 'patchbay.merge_page returned no row.')
  return result
}

async function fenced<T>(query: PromiseLike<T>): Promise<T> {
  try {
    return await query
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'PB001') {
      throw new PatchbayError('run_superseded', 'Another worker has taken over this run.', { cause: error })
    }
    throw error
  }
}

function noop(): void {}
