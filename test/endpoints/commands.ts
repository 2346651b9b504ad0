import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

export interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

/** An operator's command, as npm runs it, in the environment of a worker. */
export function startCommand(
  name: string,
  args: string[],
  env: Record<string, string>,
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [`src/worker/${name}.ts`, ...args], {
    env: { NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]).then(([[code], stdout, stderr]) => ({
    code: code as number | null,
    stdout,
    stderr,
  }))
  return { child, ended }
}

export function runCommand(name: string, args: string[], env: Record<string, string>): Promise<Ended> {
  return startCommand(name, args, env).ended
}
