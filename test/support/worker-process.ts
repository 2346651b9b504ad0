import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A real worker, as `npm run worker` starts it. It has to log at the level info. */
export interface SpawnedWorker extends AsyncDisposable {
  child: ChildProcess
  /** Its log so far, by line. */
  lines: Record<string, unknown>[]
  /** Where it answers /health, /status and /metrics, once it does; rejects when it ends before. */
  ready: Promise<string>
  /** Settles when it has ended. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

export interface WorkerProcess extends SpawnedWorker {
  url: string
}

/** Starts a worker and waits until it is ready. It is killed with the test at the latest. */
export async function startWorkerProcess(...options: Parameters<typeof spawnWorker>): Promise<WorkerProcess> {
  const worker = spawnWorker(...options)
  return { ...worker, url: await worker.ready }
}

export function spawnWorker(
  env: Record<string, string>,
  { cwd = process.cwd(), command = process.execPath, args = ['src/worker/main.ts'] } = {},
): SpawnedWorker {
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }))
  const lines: Record<string, unknown>[] = []
  const ready = new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (text) => {
      const line = JSON.parse(text) as Record<string, unknown>
      lines.push(line)
      if (line['message'] === 'The worker is ready.') resolve(`http://127.0.0.1:${Number(line['port'])}`)
    })
    void exited.then(({ code }) => reject(new Error(`The worker ended with ${code} before it was ready.`)))
  })
  // Who kills it before it is ready does not wait for that.
  ready.catch(() => {})
  return {
    child,
    lines,
    ready,
    exited,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
