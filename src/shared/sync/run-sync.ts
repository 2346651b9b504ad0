import {
  type ClaimedRun,
  type FinishedRun,
  type MergeResult,
  type PageToMerge,
  type Target,
  claimRun,
  finishRun,
  knownFolders,
  mergePage,
  mergeTargets,
  nextTargets,
  postponeTargets,
  resetCursor,
  unlistedFolders,
} from '../db/sync-store.ts'
import { PatchbayError } from '../errors.ts'
import { asPatchbayError, interruptsJob, logFailure } from '../failure.ts'
import { sharedPermits } from '../http/permits.ts'
import { type ProviderApi, createProviderApi } from '../http/provider-api.ts'
import { tokenSource } from '../oauth/tokens.ts'
import { streamFor } from '../providers/registry.ts'
import type { Runtime } from '../runtime.ts'
import { type FileFilter, fileExtension, fileFilter } from './file-filter.ts'
import { nextSyncAt } from './schedule.ts'
import { type FileItem, type FileStream, type Page, type StreamContext, type TargetPage, targetsAtOnce } from './stream.ts'

/** No provider's page is larger than this. */
const maxPageSize = 1000

/** A run's share of files comes in this many pages or more, so that a few changes leave room for the page that follows. */
const pagesPerRun = 4

/** A transient failure is tried again after this long, or when the schedule says so, or when the provider asked. */
const retryDelayMs = 60_000

/** A provider that asks for more is asked again all the same. */
const longestRetryAfterMs = 24 * 60 * 60_000

/** After the delete guard stopped a run, everything is read again at this distance, in case the provider has recovered. */
const stoppedDelayMs = 60 * 60_000

/** Single items that could not be fetched are tried again after this long, or with the schedule's next run. */
const targetsDelayMs = 15 * 60_000

/** What one worker may still spend before a platform limit ends it. Runs draw on it; what they leave undone is the next run's. */
export interface Budget {
  /** No page is begun after this; milliseconds since the epoch. */
  readonly deadline: number
  /** Pages left. */
  pages: number
}

/** How a run ended. `superseded`: another worker has it now. `gone`: the endpoint was deleted, or its account, or the job cancelled. */
export type RunOutcome = FinishedRun['status'] | 'superseded' | 'gone'

/**
 * Runs one endpoint's sync: first what webhooks named, then from its cursor to the end of the pass or the change feed, or of the budget.
 * With `targetsOnly` it leaves it at the first; with `jobId` it does nothing if that job is cancelled by now. Failures of the provider end
 * the run in an orderly way and are in the run log; what is thrown is the database's failure, and the job is tried again.
 */
export async function runSync(
  runtime: Runtime,
  endpointId: string,
  budget: Budget,
  { targetsOnly = false, jobId }: { targetsOnly?: boolean | undefined; jobId?: string } = {},
): Promise<RunOutcome> {
  const startedAt = runtime.now()
  const outcome = await runOnce(runtime, endpointId, budget, { targetsOnly, jobId, startedAt })
  runtime.metrics?.runEnded({ outcome, ms: runtime.now() - startedAt })
  return outcome
}

async function runOnce(
  runtime: Runtime,
  endpointId: string,
  budget: Budget,
  { targetsOnly, jobId, startedAt }: { targetsOnly: boolean; jobId: string | undefined; startedAt: number },
): Promise<RunOutcome> {
  const claim = await claimRun(runtime.sql, endpointId, targetsOnly, jobId)
  if (!claim) return 'gone'

  const run = new Run(runtime, endpointId, claim, budget, targetsOnly)
  try {
    return await run.finish(claim.enabled ? await read(run) : 'completed', startedAt)
  } catch (error) {
    const failure = asPatchbayError(error)
    if (failure.code === 'run_superseded') return 'superseded'
    // Nothing can be written down now: the job is tried again, and the run goes on.
    if (failure.code === 'database_unavailable') throw failure
    // Nothing has failed: another worker goes on from the last page.
    return await run.finish(failure.code === 'worker_stopping' ? 'partial' : failure, startedAt)
  }
}

async function read(run: Run): Promise<FinishedRun['status'] | PatchbayError> {
  const { stream, context } = run.open()
  const done = await readTargets(run, stream, context)
  if (!done) return 'partial'
  return run.targetsOnly ? 'completed' : readAll(run, stream, context)
}

/** Fetches the items that webhooks named, until there are none. False: the run has to end before that. */
async function readTargets(run: Run, stream: FileStream, context: StreamContext): Promise<boolean> {
  if (!stream.fetchTargets) return true
  for (;;) {
    const targets = await run.nextTargets()
    if (targets.length === 0) return true
    if (run.isFull()) return false
    const ids = targets.map(({ id }) => id)
    const page = await stream.fetchTargets(context, ids).catch((error: unknown) => {
      if (run.targetsOnly || !isAboutItems(error)) throw error
      return error
    })
    if (page instanceof PatchbayError) {
      // The schedule is the safety net: an item that cannot be fetched must not keep it from reading everything.
      await run.postponeTargets(page, targets)
      return true
    }
    if (!(await run.mergeTargets(page, targets))) return false
  }
}

/** False for what ends any run. */
function isAboutItems(error: unknown): error is PatchbayError {
  return error instanceof PatchbayError && error.outcome !== 'reconnect' && !interruptsJob(error)
}

/** Reads page after page; the next one is on its way while Postgres merges the one before. */
async function readAll(run: Run, stream: FileStream, context: StreamContext): Promise<FinishedRun['status'] | PatchbayError> {
  let cursor = run.claim.cursor
  let ahead: Promise<Page> | undefined
  let restarted = false

  for (;;) {
    let page: Page
    try {
      page = await (ahead ?? stream.fetchPage(context, cursor))
    } catch (error) {
      if (restarted || !(error instanceof PatchbayError && error.code === 'cursor_expired')) throw error
      // The provider has forgotten our position: read everything again. Nothing is deleted before the end of that.
      restarted = true
      ahead = undefined
      cursor = null
      await run.restart()
      continue
    }

    const merge = run.merge(page, cursor === null)
    ahead = undefined
    if (page.more && stream.canPrefetch(page) && !run.isFull()) {
      await merge.received
      ahead = stream.fetchPage(context, page.next)
      // Whoever awaits it gets the error; a run that ends before must not crash the process with it.
      ahead.catch(noop)
    }

    const merged = await merge.result
    run.count(merged)
    if (merged.stopped_at !== null) return massDeleteStopped(merged.stopped_at)
    // What changed during a full pass is in the feed, whose position was taken before it.
    const feedFollows = !page.more && page.pass === 'full' && stream.hasChangeFeed
    if (!page.more && !feedFollows) return 'completed'
    if (!merged.proceed) return 'partial'
    if (run.isFull()) return 'partial'
    cursor = page.next
  }
}

/** One claimed run: its limits, its counters, and the way its pages are written. */
class Run {
  readonly claim: ClaimedRun
  readonly targetsOnly: boolean
  private readonly runtime: Runtime
  private readonly endpointId: string
  private readonly budget: Budget
  private filter: FileFilter = () => true
  private readonly pageSize: number
  private api: ProviderApi | undefined
  private counted = { requests: 0, bytes: 0 }
  private fetched: number

  constructor(runtime: Runtime, endpointId: string, claim: ClaimedRun, budget: Budget, targetsOnly: boolean) {
    this.runtime = runtime
    this.endpointId = endpointId
    this.claim = claim
    this.targetsOnly = targetsOnly
    this.budget = budget
    this.pageSize = Math.min(maxPageSize, Math.ceil((claim.max_files_per_sync ?? Number.POSITIVE_INFINITY) / pagesPerRun))
    this.fetched = Number(claim.fetched)
  }

  /** The stream of the endpoint's type, ready to read. Throws when the integration or the endpoint's settings cannot be used. */
  open(): { stream: FileStream; context: StreamContext } {
    const { claim, runtime, endpointId } = this
    const { provider: definition, stream } = streamFor(claim.endpoint_type)
    requireScope(stream, claim, definition.name)
    this.filter = fileFilter(claim.file_types)

    const api = createProviderApi({
      runtime,
      definition,
      tokens: tokenSource(runtime, definition, claim.integration_id),
      permits: sharedPermits(runtime, definition, claim.integration_id),
    })
    this.api = api
    const context: StreamContext = {
      api,
      config: claim.endpoint_config,
      pageSize: this.pageSize,
      unlistedFolders: (limit) => unlistedFolders(runtime.sql, endpointId, limit),
      knownFolders: (ids) => knownFolders(runtime.sql, endpointId, ids),
    }
    return { stream, context }
  }

  /** Sends a page to be merged. */
  merge(page: Page, first: boolean): ReturnType<typeof mergePage> {
    this.fetched += page.files.length
    this.budget.pages -= 1
    return mergePage(this.runtime.sql, this.endpointId, this.claim.fence, this.toMerge(page, first))
  }

  nextTargets(): Promise<Target[]> {
    return nextTargets(this.runtime.sql, this.endpointId, Math.min(targetsAtOnce, this.pageSize))
  }

  /** Stores what was found of some targets. False: the run ends here. */
  async mergeTargets(page: TargetPage, targets: readonly Target[]): Promise<boolean> {
    this.fetched += page.files.length
    this.budget.pages -= 1
    const { files, dropped } = this.filtered(page.files)
    const merged = await mergeTargets(this.runtime.sql, this.endpointId, this.claim.fence, {
      ...page,
      files,
      removed: [...page.removed, ...dropped],
      targets,
      fetched: page.files.length,
      ...this.takeUsage(),
    })
    this.count(merged)
    return merged.proceed
  }

  async postponeTargets(failure: PatchbayError, targets: readonly Target[]): Promise<void> {
    const last = targets.at(-1)
    if (!last) return
    logFailure(this.runtime.log, failure)
    await postponeTargets(this.runtime.sql, this.endpointId, this.claim.fence, { last: last.seq, delayMs: targetsDelayMs })
  }

  count({ inserted, updated, deleted }: Pick<MergeResult, 'inserted' | 'updated' | 'deleted'>): void {
    const rows = { inserted: Number(inserted), updated: Number(updated), deleted: Number(deleted) }
    this.runtime.metrics?.pageMerged(rows)
  }

  /** True when the run has to end before another page is read. */
  isFull(): boolean {
    const { budget, claim } = this
    if (budget.pages <= 0 || this.runtime.now() >= budget.deadline) return true
    return claim.max_files_per_sync !== null && this.fetched + this.pageSize > claim.max_files_per_sync
  }

  async restart(): Promise<void> {
    this.runtime.log.info('The provider no longer accepts the cursor; reading everything again.', { endpointId: this.endpointId })
    await resetCursor(this.runtime.sql, this.endpointId, this.claim.fence)
  }

  /** Closes the run log and says when the endpoint is due next. */
  async finish(end: FinishedRun['status'] | PatchbayError, startedAt: number): Promise<RunOutcome> {
    const { runtime, endpointId, claim } = this
    const failure = end instanceof PatchbayError ? end : undefined
    const status = statusOf(end)
    const usage = this.takeUsage()
    if (failure) {
      runtime.log.warn('A sync run failed.', { endpointId, runId: claim.run_id, code: failure.code })
      logFailure(runtime.log, failure)
    }
    try {
      await finishRun(runtime.sql, endpointId, claim.fence, {
        status,
        errorCode: failure?.code ?? null,
        errorMessage: failure?.message ?? null,
        requests: usage.requests,
        bytes: usage.bytes,
        nextSyncAt: this.targetsOnly ? null : dueNext(end, nextSyncAt(claim, startedAt, runtime.now()), runtime.now()),
      })
    } catch (error) {
      if (error instanceof PatchbayError && error.code === 'run_superseded') return 'superseded'
      throw error
    }
    return status
  }

  private toMerge(page: Page, first: boolean): PageToMerge {
    const { files, dropped } = this.filtered(page.files)
    return {
      ...page,
      first,
      folders: [...new Map(page.folders.map((folder) => [folder.id, folder])).values()],
      files,
      // In the change feed a file that no longer passes the filter has to go; in a full pass it is simply not seen.
      removed: page.pass === 'changes' ? [...page.removed, ...dropped] : page.removed,
      fetched: page.files.length,
      ...this.takeUsage(),
    }
  }

  /** The files that the endpoint keeps, and the ids of those that it does not. */
  private filtered(items: readonly FileItem[]): { files: PageToMerge['files']; dropped: Set<string> } {
    const files = new Map<string, PageToMerge['files'][number]>()
    const dropped = new Set<string>()
    for (const file of items) {
      // The same file twice in one answer: the later one is newer.
      if (this.filter(file)) files.set(file.id, { ...file, type: fileExtension(file.name) })
      else dropped.add(file.id)
    }
    return { files: [...files.values()], dropped }
  }

  /** What the run has cost since this was last asked. */
  private takeUsage(): { requests: number; bytes: number } {
    if (!this.api) return { requests: 0, bytes: 0 }
    const { requests, bytes } = this.api.usage
    const taken = { requests: requests - this.counted.requests, bytes: bytes - this.counted.bytes }
    this.counted = { requests, bytes }
    return taken
  }
}

/** Throws `missing_scope` when none of the granted scopes lets the stream read. */
export function requireScope(stream: FileStream, claim: Pick<ClaimedRun, 'scopes'>, provider: string): void {
  // No scope known: the provider did not say, and will refuse by itself.
  if (claim.scopes === null || claim.scopes.length === 0) return
  if (stream.scopes.some((scope) => claim.scopes?.includes(scope))) return
  throw new PatchbayError(
    'missing_scope',
    `${provider} was connected without permission to read files. Connect it again and allow it.`,
  )
}

function massDeleteStopped(rows: bigint): PatchbayError {
  return new PatchbayError(
    'mass_delete_stopped',
    `This run would delete ${rows} files, more than the endpoint's guard allows, so it deleted none. ` +
      'If that is right, confirm it by confirm_deletions(endpoint_id).',
  )
}

function statusOf(end: FinishedRun['status'] | PatchbayError): FinishedRun['status'] {
  if (!(end instanceof PatchbayError)) return end
  return end.code === 'mass_delete_stopped' ? 'stopped' : 'failed'
}

function dueNext(end: FinishedRun['status'] | PatchbayError, regular: Date, now: number): Date {
  if (end === 'partial') return new Date(now)
  if (!(end instanceof PatchbayError)) return regular
  if (end.code === 'mass_delete_stopped') return new Date(Math.max(regular.getTime(), now + stoppedDelayMs))
  if (end.outcome !== 'transient') return regular
  if (end.retryAfterMs !== undefined) return new Date(now + Math.min(end.retryAfterMs, longestRetryAfterMs))
  return new Date(Math.min(regular.getTime(), now + retryDelayMs))
}

function noop(): void {}
