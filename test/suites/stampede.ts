import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { StampedeOrder, StampedeReport } from './stampede-process.ts'

const processes = 4
let crowd: Promise<ChildProcess[]> | undefined

/** Sends the order to four processes at once; all providers share them. Resolves when every caller was served. */
export async function stampede(order: Omit<StampedeOrder, 'number'>): Promise<StampedeReport[]> {
  crowd ??= assemble()
  const number = Math.random()
  return Promise.all(
    (await crowd).map(
      (child) =>
        new Promise<StampedeReport>((resolve) => {
          const listen = (report: StampedeReport) => {
            if (report.number !== number) return
            child.off('message', listen)
            resolve(report)
          }
          child.on('message', listen)
          child.send({ ...order, number } satisfies StampedeOrder)
        }),
    ),
  )
}

export async function disperse(): Promise<void> {
  for (const child of (await crowd) ?? []) child.kill()
  crowd = undefined
}

async function assemble(): Promise<ChildProcess[]> {
  const children = Array.from({ length: processes }, () => {
    const child = fork(new URL('./stampede-process.ts', import.meta.url), { execArgv: [] })
    // One listener for each provider whose callers wait.
    return child.setMaxListeners(50)
  })
  await Promise.all(children.map((child) => once(child, 'message')))
  return children
}
