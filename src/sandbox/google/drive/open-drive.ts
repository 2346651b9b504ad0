import { dirname } from 'node:path'
import { Journal } from '../../journal.ts'
import type { SandboxFactoryOptions } from '../../provider.ts'
import { scanTree } from '../../scan-tree.ts'
import { pat, people, serviceAccount } from '../accounts.ts'
import { allRecords, journalRecorder, restoreDrive, storedFirstChange } from './drive-records.ts'
import { DriveStore } from './drive-store.ts'
import { mountExtras } from './mount-extras.ts'
import { mountTree } from './mount-tree.ts'

// A journal that is mostly history is written anew.
const historyShare = 2
const smallJournal = 10_000

/** All Drive data, with the journal that keeps it where there is a state folder. */
export interface OpenDrive {
  store: DriveStore
  journal: Journal | null
}

/**
 * Fills a store from the tree on disk. With a state folder, what happened in Drive before is taken up again, and what is different on
 * disk since then becomes part of the change feed.
 */
export async function openDrive({ clock, root, copies, extras, statePath }: SandboxFactoryOptions): Promise<OpenDrive> {
  const path = statePath('google-drive.jsonl')
  const { journal, records } = path === undefined ? { journal: null, records: [] } : await Journal.open(path)
  const firstChange = storedFirstChange(records)
  // In seconds: a page token from a sandbox that ended without keeping its state is below it, and refused as it would be anywhere.
  const store = new DriveStore(clock, firstChange ?? Math.floor(clock.now() / 1000))
  for (const { email } of [...people, serviceAccount]) store.root(email)
  if (firstChange !== undefined) {
    restoreDrive(store, records)
    store.recorder = journal && journalRecorder(journal)
    store.recording = true
  }

  if (root !== undefined)
    mountTree(store, store.root(pat.email), scanTree(root, path === undefined ? undefined : dirname(path)), copies)
  if (extras) mountExtras(store)

  const bloated = records.length > smallJournal && records.length > historyShare * store.files.length
  if (firstChange === undefined || bloated) await journal?.rewrite(allRecords(store))
  await journal?.flush()
  store.recorder = journal && journalRecorder(journal)
  store.recording = true
  return { store, journal }
}
