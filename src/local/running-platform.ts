import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const RunningPlatform = z.object({
  pid: z.int(),
  /** The gateway's. */
  url: z.url(),
  /** Null: its functions go to the providers themselves. */
  sandboxUrl: z.url().nullable(),
})

/** A platform that some process on this machine keeps running. */
export type RunningPlatform = z.output<typeof RunningPlatform>

/** Says to other commands that this process runs the platform of `dataDir`, until it is disposed of. */
export async function announcePlatform(dataDir: string, platform: Omit<RunningPlatform, 'pid'>): Promise<AsyncDisposable> {
  const path = announcement(dataDir)
  await mkdir(dataDir, { recursive: true })
  await writeFile(path, JSON.stringify({ pid: process.pid, ...platform } satisfies RunningPlatform))
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) }
}

/** The platform of `dataDir` that is running, if there is one. What a killed process has left behind does not count. */
export async function findRunningPlatform(dataDir: string): Promise<RunningPlatform | undefined> {
  const text = await readFile(announcement(dataDir), 'utf8').catch(() => undefined)
  const platform = text === undefined ? undefined : RunningPlatform.parse(JSON.parse(text))
  if (platform === undefined) return undefined
  const answers = await fetch(`${platform.url}/health`).then(
    ({ ok }) => ok,
    () => false,
  )
  return answers ? platform : undefined
}

function announcement(dataDir: string): string {
  return join(dataDir, 'platform.json')
}
