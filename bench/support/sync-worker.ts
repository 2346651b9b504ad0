import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ownProjectDir } from '../../src/local/services.ts'
import type { Surroundings } from './runtime.ts'

/** One endpoint to sync, to the end. */
export interface SyncOrder extends Surroundings {
  endpointId: string
}

export interface SyncReport {
  /** From claiming the run to its end. */
  seconds: number
  /** The most memory that the process has had so far (resident set). */
  peakBytes: number
}

export type SyncAnswer = (SyncReport & { outcome: string }) | { error: string }

/** A process that syncs as the Node worker does, started as `npm run worker` starts it. */
export interface SyncWorker extends AsyncDisposable {
  /** Throws when the run does not complete. */
  sync(order: SyncOrder): Promise<SyncReport>
}

export async function startSyncWorker(): Promise<SyncWorker> {
  const child = fork(fileURLToPath(new URL('./sync-worker-process.ts', import.meta.url)), {
    execArgv: await workerFlags(),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  await once(child, 'spawn')
  return {
    async sync(order) {
      child.send(order)
      const ended = exited.then(() => [{ error: 'The process that syncs has ended.' }])
      const [answer] = (await Promise.race([once(child, 'message'), ended])) as [SyncAnswer]
      if ('error' in answer) throw new Error(`The sync failed: ${answer.error}`)
      if (answer.outcome !== 'completed') throw new Error(`The sync ended as ${answer.outcome}.`)
      return answer
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** What `npm run worker` tells Node. */
async function workerFlags(): Promise<string[]> {
  const text = await readFile(join(ownProjectDir, 'package.json'), 'utf8')
  const { scripts } = JSON.parse(text) as { scripts: { worker: string } }
  return scripts.worker.split(' ').filter((word) => word.startsWith('--'))
}
