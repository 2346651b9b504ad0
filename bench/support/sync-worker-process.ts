import { asPatchbayError } from '../../src/shared/failure.ts'
import { runSync } from '../../src/shared/sync/run-sync.ts'
import { createRuntime } from './runtime.ts'
import type { SyncAnswer, SyncOrder } from './sync-worker.ts'

// A process that syncs what it is told to, one order at a time, see sync-worker.ts.
process.on('message', (order: SyncOrder) => void work(order).then((answer) => process.send?.(answer)))
process.once('disconnect', () => process.exit())
// Ctrl-C reaches us as well; whoever started us ends us.
process.on('SIGINT', () => {})

async function work(order: SyncOrder): Promise<SyncAnswer> {
  const runtime = createRuntime(order)
  try {
    // A worker has its connection already.
    await runtime.sql`select 1`
    const begun = performance.now()
    const outcome = await runSync(runtime, order.endpointId, {
      deadline: Number.POSITIVE_INFINITY,
      pages: Number.POSITIVE_INFINITY,
    })
    const seconds = (performance.now() - begun) / 1000
    return { outcome, seconds, peakBytes: process.resourceUsage().maxRSS * 1024 }
  } catch (error) {
    const { code, message } = asPatchbayError(error)
    return { error: `${code}: ${message}` }
  } finally {
    await runtime.sql.end()
  }
}
