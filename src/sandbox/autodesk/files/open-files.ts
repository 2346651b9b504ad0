import { dirname } from 'node:path'
import { Journal } from '../../journal.ts'
import type { SandboxFactoryOptions } from '../../provider.ts'
import { scanTree } from '../../scan-tree.ts'
import type { AutodeskDirectory, Project } from '../directory.ts'
import type { Folder } from './entries.ts'
import { FileStore } from './file-store.ts'
import { mountDisk } from './mount-disk.ts'
import { mountExtras } from './mount-extras.ts'
import { allRecords, journalRecorder, restoreFiles } from './records.ts'

// A journal that is mostly history is written anew.
const historyShare = 2
const smallJournal = 10_000

/** All files of all projects, with the journal that keeps them where there is a state folder. */
export interface OpenFiles {
  store: FileStore
  /** Keeps what happens from now on. */
  recorder: ReturnType<typeof journalRecorder> | null
  journal: Journal | null
}

/**
 * Fills a store from the tree on disk. With a state folder, what happened at Autodesk before is taken up again, and what is different on
 * disk since then becomes new versions, new files and deleted ones.
 */
export async function openFiles(options: SandboxFactoryOptions, directory: AutodeskDirectory): Promise<OpenFiles> {
  const { clock, root, copies, extras, statePath } = options
  const path = statePath('autodesk-files.jsonl')
  const { journal, records } = path === undefined ? { journal: null, records: [] } : await Journal.open(path)
  const recorder = journal && journalRecorder(journal)
  const store = new FileStore(clock, directory)
  restoreFiles(store, records)
  const first = records.length === 0
  if (!first) store.listener = recorder && { ...recorder, happened: () => {} }

  const folder = firstProjectFiles(store, directory)
  if (root !== undefined) mountDisk(store, folder, scanTree(root, path === undefined ? undefined : dirname(path)), copies)
  if (extras) mountExtras(store, folder)

  const bloated = records.length > smallJournal && records.length > historyShare * store.size
  if (first || bloated) await journal?.rewrite(allRecords(store))
  await journal?.flush()
  return { store, recorder, journal }
}

/** The project that has the files from disk: the first of the first account of the first person. */
export function firstProject(directory: AutodeskDirectory): Project {
  const project = directory.people[0]?.hubs[0]?.projects[0]
  if (project === undefined) throw new Error('There is no project.')
  return project
}

function firstProjectFiles(store: FileStore, directory: AutodeskDirectory): Folder {
  const { id } = firstProject(directory)
  const tree = store.tree(id)
  if (tree === undefined) throw new Error(`The project ${id} has no files.`)
  return store.projectFiles(tree)
}
