import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ownProjectDir } from '../../src/local/services.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { connectDrive } from './connected-drive.ts'
import type { Rounds } from './figures.ts'
import type { Sizes } from './sizes.ts'
import { startSyncWorker, type SyncWorker } from './sync-worker.ts'
import { type SyncedDrive, syncDrive } from './synced-drive.ts'

/** Told what happens and, where it takes longer, the share that is done, from 0 to 1. */
export interface Progress {
  step: (title: string) => void
  progress: (fraction: number, text: string) => void
  done: (text: string) => void
}

/** What the measures work with. */
export interface Bench extends AsyncDisposable {
  sizes: Sizes
  cluster: Cluster
  /** A folder for what must be kept until the end. */
  dir: string
  progress: Progress
  /** A process that syncs; the same one each time. */
  worker: () => Promise<SyncWorker>
  /** A drive with `sizes.files` files that has been synced; the same one each time. */
  syncedDrive: () => Promise<SyncedDrive>
  /** Measures two things alternately, after one round that does not count. */
  alternate: (things: { ours: () => Promise<number>; theirs: () => Promise<number> }) => Promise<Rounds>
}

export async function startBench(sizes: Sizes, progress: Progress): Promise<Bench> {
  await using started = new AsyncDisposableStack()
  const dir = await createDir()
  started.defer(() => rm(dir, { recursive: true, force: true }))
  progress.step('Starting Postgres')
  const cluster = started.use(await startCluster(dir))
  progress.done(cluster.version)

  const running = started.move()
  const worker = once(async () => running.use(await startSyncWorker()))
  const syncedDrive = once(async () => {
    progress.step('Syncing a drive for the first time')
    const drive = running.use(await connectDrive(cluster, sizes.files))
    const synced = await syncDrive(await worker(), drive, join(dir, 'files.copy'))
    progress.done(`${synced.rows.toLocaleString('en')} files`)
    return synced
  })
  return {
    sizes,
    cluster,
    dir,
    progress,
    worker,
    syncedDrive,
    async alternate({ ours, theirs }) {
      const rounds = { ours: [] as number[], theirs: [] as number[] }
      for (let round = 0; round <= sizes.rounds; round += 1) {
        const text = round === 0 ? 'warming up' : `round ${round} of ${sizes.rounds}`
        progress.progress(round / (sizes.rounds + 1), text)
        const values = { ours: await ours(), theirs: 0 }
        progress.progress((round + 0.5) / (sizes.rounds + 1), text)
        values.theirs = await theirs()
        if (round === 0) continue
        rounds.ours.push(values.ours)
        rounds.theirs.push(values.theirs)
      }
      return rounds
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** On the project's own disk: a temporary folder may be in memory, where writing durably costs nothing. */
async function createDir(): Promise<string> {
  const localDir = join(ownProjectDir, '.local')
  const prefix = 'bench-'
  await mkdir(localDir, { recursive: true })
  for (const name of await readdir(localDir)) {
    // A run that was killed could not delete its folder.
    if (name.startsWith(prefix) && !isAlive(Number(name.slice(prefix.length)))) await rm(join(localDir, name), { recursive: true })
  }
  const dir = join(localDir, `${prefix}${process.pid}`)
  await mkdir(dir)
  return dir
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
