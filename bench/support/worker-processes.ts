import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { type Child, startChild } from '../../src/local/child.ts'
import { ownProjectDir } from '../../src/local/services.ts'
import { type Surroundings, workerEnv } from './runtime.ts'

/** Starts workers as `npm run worker` does, each with so many syncs at a time. They work until they are disposed of. */
export async function startWorkers(count: number, syncs: number, surroundings: Surroundings): Promise<AsyncDisposable> {
  await using started = new AsyncDisposableStack()
  for (let index = 0; index < count; index += 1) {
    const child = await startWorker(syncs, surroundings)
    started.defer(() => child.stop('SIGTERM', 10_000))
  }
  const running = started.move()
  return { [Symbol.asyncDispose]: () => running.disposeAsync() }
}

async function startWorker(syncs: number, surroundings: Surroundings): Promise<Child> {
  const child = await startChild({
    command: process.execPath,
    args: ['--max-semi-space-size=2', join(ownProjectDir, 'src/worker/main.ts')],
    env: {
      ...workerEnv(surroundings),
      PATH: process.env['PATH'] ?? '',
      CONNECTOR_LOG_LEVEL: 'info',
      CONNECTOR_MAX_CONCURRENT_SYNCS: String(syncs),
      CONNECTOR_PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    orphanSignal: 'SIGINT',
  })
  const { stdout } = child
  if (!stdout) throw new Error('The worker has no output.')
  await new Promise<void>((ready, fail) => {
    const lines = createInterface(stdout)
    lines.on('line', (line) => line.includes('The worker is ready.') && ready())
    lines.once('close', () => fail(new Error('The worker ended before it was ready.')))
  })
  return child
}
