import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { startChild, type Child } from './child.ts'
import { ownProjectDir } from './services.ts'

/** The sandbox in a process of its own, with the tree below `root`, but not `stateDir` in it, as a person's files. */
export async function startSandboxProcess(root: string, stateDir: string): Promise<{ url: string; child: Child }> {
  const child = await startChild({
    command: process.execPath,
    args: [join(ownProjectDir, 'src/sandbox/main.ts'), '--json', '--extras', '--root', root, '--state', stateDir],
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
    orphanSignal: 'SIGINT',
  })
  if (!child.stdout) throw new Error('The sandbox has no output.')
  for await (const line of createInterface(child.stdout)) {
    return { url: (JSON.parse(line) as { url: string }).url, child }
  }
  throw new Error('The sandbox ended before it was ready.')
}
