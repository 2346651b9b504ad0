import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { startChild } from '../../src/local/child.ts'
import { ownProjectDir } from '../../src/local/services.ts'
import { type SandboxClient, sandboxClient } from '../../src/sandbox/client.ts'
import { scanTree } from '../../src/sandbox/scan-tree.ts'

export interface RunningSandbox extends AsyncDisposable {
  url: string
  client: SandboxClient
}

/** Serves this clone's own tree, installed packages included, in a process of its own, as often as it takes to have `files` files. */
export async function startSandboxOf(files: number): Promise<RunningSandbox> {
  const tree = scanTree(ownProjectDir).filter((entry) => !entry.folder).length
  const copies = Math.ceil(files / tree)
  const child = await startChild({
    command: process.execPath,
    args: [join(ownProjectDir, 'src/sandbox/main.ts'), '--json', '--root', ownProjectDir, '--copies', String(copies)],
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
    orphanSignal: 'SIGINT',
  })
  const stop = () => child.stop('SIGTERM', 10_000)
  if (!child.stdout) throw new Error('The sandbox has no output.')
  for await (const line of createInterface(child.stdout)) {
    const { url } = JSON.parse(line) as { url: string }
    return { url, client: sandboxClient(url), [Symbol.asyncDispose]: stop }
  }
  throw new Error('The sandbox ended before it was ready.')
}
