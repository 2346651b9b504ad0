import { hostname } from 'node:os'
import { Command } from 'commander'
import { settleRefreshes } from '../shared/oauth/refresh.ts'
import { requireAllKeys } from '../shared/oauth/rotate-keys.ts'
import { reportFailure } from './failure.ts'
import { createWorkerMetrics } from './metrics.ts'
import { openRuntime } from './runtime.ts'
import { startService } from './service.ts'
import { listenForStop } from './stop-signals.ts'
import { createWorker } from './worker.ts'

// The entry of `npm run worker`: reads the environment, works until SIGINT or SIGTERM.
new Command('npm run worker')
  .description('Works off the jobs of the project that the environment names (.env.example), until SIGINT or SIGTERM.')
  .parse()

const stop = listenForStop()

try {
  const id = `${hostname()}:${process.pid}`
  const metrics = createWorkerMetrics()
  // Beside those of the syncs: four for other jobs, and two so that /health and /status do not wait for any of them.
  const runtime = openRuntime((syncs) => syncs + 6, {
    metrics: metrics.sink,
    stopping: stop.handBack,
    logFields: { worker: id },
  })
  await requireAllKeys(runtime)
  const worker = createWorker(runtime, stop.told)
  const service = await startService(runtime, metrics, { id, startedAt: runtime.now(), isAlive: worker.isAlive })
  runtime.log.info('The worker is ready.', { concurrency: runtime.config.maxConcurrentSyncs, port: service.port })
  await worker.run()
  await settleRefreshes(runtime)
  await service.close()
  await runtime.sql.end({ timeout: 1 })
} catch (error) {
  reportFailure(error)
}
// Nothing is under way any more; a pause that was given up is no reason to stay.
process.exit()
