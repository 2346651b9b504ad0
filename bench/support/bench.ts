import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Cluster, startCluster } from './cluster.ts'
import { accProject, connectDrive, googleDrive, type Source } from './connected-drive.ts'
import type { Figure } from './figures.ts'
import { createRunDir } from './run-dir.ts'
import type { Sizes } from './sizes.ts'
import { startSyncWorker } from './sync-worker.ts'
import { type SyncedDrive, syncDrive } from './synced-drive.ts'

/** One thing that the bench finds out. */
export interface Measure {
  /** As `--only` takes it. */
  name: string
  run: (bench: Bench) => Promise<Figure[]>
}

/** What the measures work with. */
export interface Bench extends AsyncDisposable {
  sizes: Sizes
  progress: Progress
  cluster: Cluster
  /** A folder that is deleted at the end. */
  dir: string
  /** Also show how Postgres executes what is measured. */
  explain: boolean
  /** A drive with `sizes.files` files at least that has been synced once; the same one each time. */
  syncedDrive: () => Promise<SyncedDrive>
  /** As `syncedDrive`, a project of Autodesk Construction Cloud. */
  syncedProject: () => Promise<SyncedDrive>
}

/** Told what happens and, where it takes longer, the share that is done, from 0 to 1. */
export interface Progress {
  step: (title: string) => void
  progress: (fraction: number, text: string) => void
  done: (text: string) => void
}

export async function startBench({ sizes, progress, explain }: Pick<Bench, 'sizes' | 'progress' | 'explain'>): Promise<Bench> {
  await using started = new AsyncDisposableStack()
  const dir = await createRunDir()
  started.defer(() => rm(dir, { recursive: true, force: true }))
  progress.step('Starting Postgres')
  const cluster = started.use(await startCluster(dir))
  progress.done(cluster.version)

  const running = started.move()
  const sync = async (title: string, source: Source) => {
    progress.step(title)
    const drive = running.use(await connectDrive(cluster, sizes.files, source))
    const worker = running.use(await startSyncWorker())
    const synced = await syncDrive(drive, worker, join(dir, `${source.endpointType}.copy`))
    progress.done(`${synced.rows.toLocaleString('en')} files`)
    return synced
  }
  const syncedDrive = once(() => sync('Syncing a drive', googleDrive))
  const syncedProject = once(() => sync('Syncing a project', accProject))
  const stop = () => running.disposeAsync()
  return { sizes, progress, explain, cluster, dir, syncedDrive, syncedProject, [Symbol.asyncDispose]: stop }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
