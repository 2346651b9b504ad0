import { spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'

export interface ChildOptions {
  command: string
  args: readonly string[]
  /** The whole environment: nothing is inherited. */
  env: Readonly<Record<string, string>>
  stdio: StdioOptions
  cwd?: string
  uid?: number
  gid?: number
  /** Sent when this process dies without having stopped the child. */
  orphanSignal: 'SIGINT' | 'SIGKILL'
}

/** A process that does not outlive this one, not even when this one is killed with -9. */
export interface Child {
  pid: number
  stdout: Readable | null
  stderr: Readable | null
  hasExited(): boolean
  /** Settles when the process has ended; never rejects. */
  exited: Promise<void>
  /** Sends the signal, and SIGKILL after `graceMs`; settles when the process has ended. */
  stop(signal: NodeJS.Signals, graceMs: number): Promise<void>
}

/** Starts a process. Throws when the command cannot be run. */
export async function startChild({ command, args, orphanSignal, ...options }: ChildOptions): Promise<Child> {
  // Its own process group: Ctrl-C in the terminal reaches only us, and we stop the children in order.
  const child = spawn(command, args, { ...options, detached: true })
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  await once(child, 'spawn')
  const pid = child.pid
  if (pid === undefined) throw new Error(`${command} did not start`)
  const dismiss = watchForOrphan(pid, orphanSignal)
  void exited.then(dismiss)
  const hasExited = () => child.exitCode !== null || child.signalCode !== null

  return {
    pid,
    stdout: child.stdout,
    stderr: child.stderr,
    hasExited,
    exited,
    async stop(signal, graceMs) {
      if (hasExited()) return exited
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await exited
      clearTimeout(timer)
    },
  }
}

/**
 * A shell waits on a pipe from us. A line means that the child has ended; the end of the pipe, which the kernel sends whatever way we
 * die, means that it is an orphan.
 */
function watchForOrphan(pid: number, signal: string): () => void {
  const watcher = spawn('/bin/sh', ['-c', 'read -r _ || kill -s "$0" "$1"', signal.slice('SIG'.length), String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: {},
  })
  watcher.unref()
  // Nothing to do: the child then only lacks its watcher.
  watcher.on('error', () => {})
  watcher.stdin.on('error', () => {})
  return () => watcher.stdin.end('\n')
}
