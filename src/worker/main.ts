import { settleRefreshes } from '../shared/oauth/refresh.ts'
import { requireAllKeys } from '../shared/oauth/rotate-keys.ts'
import { reportFailure } from './failure.ts'
import { openRuntime } from './runtime.ts'
import { runWorker } from './worker.ts'

// The entry of `npm run worker`: reads the environment, works until SIGINT or SIGTERM.
const stopping = new AbortController()
process.once('SIGINT', () => stopping.abort())
process.once('SIGTERM', () => stopping.abort())

try {
  const runtime = openRuntime((syncs) => syncs + 3)
  await requireAllKeys(runtime)
  await runWorker(runtime, stopping.signal)
  await settleRefreshes(runtime)
  await runtime.sql.end({ timeout: 5 })
} catch (error) {
  reportFailure(error)
}
