import { alternate } from '../support/alternate.ts'
import type { Bench, Measure } from '../support/bench.ts'
import { type ConnectedDrive, connectDrive } from '../support/connected-drive.ts'
import { comparison } from '../support/figures.ts'
import { startSyncWorker } from '../support/sync-worker.ts'

/** What a first sync of many files needs in memory, against one of few: each in a new process. */
export const memory: Measure = {
  name: 'memory',
  async run(bench) {
    const { small, large } = bench.sizes.memory
    await using few = await connect(bench, small)
    await using many = await connect(bench, large)
    const rounds = await alternate(bench, 'Memory of a first sync', { ours: () => peakMiB(many), theirs: () => peakMiB(few) })
    const about =
      `peak resident memory of the syncing process, a first sync of ${large.toLocaleString('en')} files (ours) ` +
      `against one of ${small.toLocaleString('en')} (theirs), each in a new process`
    return [comparison({ measure: 'memory', about, unit: 'MiB', target: { atMost: 1.3 } }, rounds)]
  },
}

async function connect({ progress, cluster }: Bench, files: number): Promise<ConnectedDrive> {
  progress.step(`Connecting a drive of ${files.toLocaleString('en')} files`)
  const drive = await connectDrive(cluster, files)
  progress.done('connected')
  return drive
}

async function peakMiB(drive: ConnectedDrive): Promise<number> {
  await using database = await drive.createDatabase()
  await using worker = await startSyncWorker()
  const { peakBytes } = await worker.sync(drive.order(database))
  return peakBytes / 2 ** 20
}
