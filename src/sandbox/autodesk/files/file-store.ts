import type { SandboxClock } from '../../clock.ts'
import type { AutodeskDirectory, Project } from '../directory.ts'
import {
  addChild,
  contentOf,
  foldersAbove,
  isWithin,
  newFolder,
  newItem,
  removeChild,
  tipOf,
  type Entry,
  type Folder,
  type Item,
  type ProjectTree,
} from './entries.ts'
import { folderId, itemId, uuid, versionId } from './ids.ts'

/** What is new, and where. */
export interface NewEntry {
  parent: Folder
  name: string
  created: number
  modified: number
  source?: string
  stamp?: string
}

/** What happened to a file. `from`: the folder that it was in before. */
export type FileEvent = { type: 'added' | 'modified' | 'deleted'; item: Item } | { type: 'moved'; item: Item; from: Folder }

/** A project that was made here, besides those that are there from the start. */
export interface MadeProject {
  account: string
  hub: string
  id: string
  name: string
  type: Project['type']
}

/** Gets every mutation: to keep it, and to tell of it. */
export interface FileListener {
  made(project: MadeProject): void
  changed(entry: Entry): void
  happened(event: FileEvent): void
}

// Made by Autodesk for itself, in every project.
const systemFolders = ['ProjectTb', 'dm-exchange', 'COST Root Folder']
const projectFiles = 'Project Files'
// Old enough for anything that is in them.
const projectTime = Date.UTC(2023, 11, 20, 9, 5, 26)

/** All files of all projects. It enforces how Autodesk behaves, not who may do what. */
export class FileStore {
  /** Told of everything from when it is set, once the first tree is mounted. */
  listener: FileListener | null = null
  readonly madeProjects: MadeProject[] = []
  /** What was opened or closed to someone. */
  readonly restricted = new Set<Entry>()
  readonly #clock: SandboxClock
  readonly #directory: AutodeskDirectory
  readonly #trees = new Map<string, ProjectTree>()
  readonly #byId = new Map<string, Entry>()
  #nextSeq = 0

  constructor(clock: SandboxClock, directory: AutodeskDirectory) {
    this.#clock = clock
    this.#directory = directory
    for (const place of directory.projects()) this.#plant(place)
  }

  /** The files of a project; undefined when there is no such project. */
  tree(projectId: string): ProjectTree | undefined {
    const known = this.#trees.get(projectId)
    if (known !== undefined) return known
    const place = this.#directory.findProject(projectId)
    return place === undefined ? undefined : this.#plant(place)
  }

  /** Makes a project in the first account of a person. */
  createProject(account: string, name: string): ProjectTree {
    const id = `b.${uuid(`${account}/${name}/${this.madeProjects.length}`)}`
    const place = this.#directory.addProject(account, { id, name, type: 'ACC' })
    const made = { account, hub: place.hub.id, id, name, type: 'ACC' } as const
    this.madeProjects.push(made)
    this.listener?.made(made)
    return this.#plant(place)
  }

  /** Puts a project in its place that was made before a restart. */
  restoreProject(made: MadeProject): void {
    const { account, hub, id, name, type } = made
    this.#plant(this.#directory.addProject(account, { id, name, type }, hub))
    this.madeProjects.push(made)
  }

  find(id: string): Entry | undefined {
    return this.#byId.get(id)
  }

  get size(): number {
    return this.#byId.size
  }

  entries(): IterableIterator<Entry> {
    return this.#byId.values()
  }

  /** The folder in which people's files are. */
  projectFiles(tree: ProjectTree): Folder {
    const found = this.find(topFolderId(tree, projectFiles))
    if (found?.kind !== 'folders') throw new Error(`The project ${tree.project.id} has no files.`)
    return found
  }

  createFolder({ parent, ...given }: NewEntry): Folder {
    const folder = newFolder({
      ...given,
      id: folderId(parent.tree.hub, this.#key(parent, given.name)),
      seq: this.#nextSeq,
      tree: parent.tree,
      parent,
    })
    this.restore(folder)
    this.#touched(folder)
    return folder
  }

  createItem({ parent, size, ...given }: NewEntry & { size: number | null }): Item {
    const { name, created, modified } = given
    const item = newItem({
      ...given,
      id: itemId(parent.tree.hub, this.#key(parent, name)),
      seq: this.#nextSeq,
      tree: parent.tree,
      parent,
      versions: [{ name, size, created, modified, deleted: false }],
    })
    this.restore(item)
    this.#touched(item)
    this.listener?.happened({ type: 'added', item })
    return item
  }

  /** Puts an entry in its place, as it is. */
  restore(entry: Entry): void {
    this.#byId.set(entry.id, entry)
    this.#nextSeq = Math.max(this.#nextSeq, entry.seq + 1)
    if (entry.parent !== null) addChild(entry.parent, entry)
    if (entry.access !== null) this.restricted.add(entry)
    this.#rollUp(entry)
  }

  /** New content of that many bytes. */
  addVersion(item: Item, { size, modified, stamp }: { size: number; modified: number; stamp?: string }): void {
    const { name } = contentOf(item)
    item.versions.push({ name, size, created: this.#clock.now(), modified, deleted: false })
    Object.assign(item, { modified, ...(stamp !== undefined && { stamp }) })
    this.#touched(item)
    this.listener?.happened({ type: 'added', item })
  }

  /** In place: there is no new version. */
  rename(entry: Entry, name: string): void {
    const modified = this.#clock.now()
    Object.assign(entry, { name, modified })
    if (entry.kind === 'items') Object.assign(contentOf(entry), { name, modified })
    this.#touched(entry)
    if (entry.kind === 'items') this.listener?.happened({ type: 'modified', item: entry })
  }

  /** Into another folder of the same project, with everything in it. */
  move(entry: Entry, parent: Folder): void {
    const from = entry.parent
    if (from === null || from.parent === null) throw new Error(`${entry.name} cannot be moved.`)
    if (parent.tree !== entry.tree) throw new Error('What is in one project cannot be moved into another.')
    if (entry.kind === 'folders' && isWithin(parent, entry)) throw new Error('A folder cannot be moved into itself.')
    removeChild(from, entry)
    const modified = this.#clock.now()
    Object.assign(entry, { parent, modified })
    if (entry.kind === 'items') tipOf(entry).modified = modified
    addChild(parent, entry)
    this.#touched(entry)
    this.#rollUp(from, modified)
    if (entry.kind === 'items') this.listener?.happened({ type: 'moved', item: entry, from })
  }

  /** A file gets a version that says so; a folder is hidden, and what is in it stays as it is. */
  remove(entry: Entry, deletedBy: 'disk' | 'person' = 'person'): void {
    if (entry.hidden) return
    const now = this.#clock.now()
    if (entry.kind === 'items') {
      const name = uuid(versionId(entry.id, entry.versions.length + 1))
      entry.versions.push({ name, size: 0, created: now, modified: now, deleted: true })
    }
    Object.assign(entry, { hidden: true, deletedBy, modified: now })
    entry.parent?.lists.clear()
    this.#touched(entry)
    if (entry.kind === 'items') this.listener?.happened({ type: 'deleted', item: entry })
  }

  /** A file gets a version with the content that it had last. */
  undelete(entry: Entry): void {
    if (!entry.hidden) return
    const now = this.#clock.now()
    if (entry.kind === 'items') entry.versions.push({ ...contentOf(entry), created: now, modified: now })
    Object.assign(entry, { hidden: false, deletedBy: null, modified: now })
    entry.parent?.lists.clear()
    this.#touched(entry)
    if (entry.kind === 'items') this.listener?.happened({ type: 'added', item: entry })
  }

  setAccess(entry: Entry, account: string, visible: boolean | null): void {
    entry.access = new Map(entry.access)
    if (visible === null) entry.access.delete(account)
    else entry.access.set(account, visible)
    this.restricted.add(entry)
    this.listener?.changed(entry)
  }

  #plant(place: Omit<ProjectTree, 'root'>): ProjectTree {
    const { project } = place
    const rootName = `${project.id.slice('b.'.length)}-root-folder`
    const id = (name: string) => topFolderId(place, name)
    // Joined to its tree a line below.
    const partial = { ...place } as ProjectTree
    partial.root = newFolder({ id: id(rootName), seq: -1, tree: partial, name: rootName, parent: null, created: projectTime })
    this.#trees.set(project.id, partial)
    this.restore(partial.root)
    const top = (name: string, seq: number, system: boolean) => {
      const given = { id: id(name), seq, tree: partial, name, parent: partial.root, created: projectTime, system }
      const folder = newFolder(given)
      this.restore(folder)
      return folder
    }
    if (project.type === 'BIM360') top('Plans', -3, false)
    top(projectFiles, -2, false)
    for (const name of [...systemFolders, uuid(`${project.id}/system`)]) this.#fillSystemFolder(top(name, -1, true))
    return partial
  }

  // Nobody put it there, and nobody is to find it among their files.
  #fillSystemFolder(parent: Folder): void {
    const name = 'thumbnail.png'
    const { tree } = parent
    const versions = [{ name, size: 1024, created: projectTime, modified: projectTime, deleted: false }]
    this.restore(
      newItem({ id: itemId(tree.hub, `${parent.id}/${name}`), seq: -1, tree, name, parent, created: projectTime, versions }),
    )
  }

  // What was deleted and comes back under its name is another entry: no id is used twice.
  #key({ id }: Folder, name: string): string {
    const plain = `${id}/${name}`
    const hub = this.#byId.get(id)?.tree.hub
    const taken = hub !== undefined && (this.#byId.has(folderId(hub, plain)) || this.#byId.has(itemId(hub, plain)))
    return taken ? `${plain}/${this.#nextSeq}` : plain
  }

  #touched(entry: Entry): void {
    this.#rollUp(entry)
    this.listener?.changed(entry)
  }

  #rollUp(entry: Entry, time = entry.modified): void {
    if (entry.kind === 'folders') entry.rollup = Math.max(entry.rollup, time)
    for (const folder of foldersAbove(entry)) {
      // Those above have a later one then.
      if (folder.rollup >= time) return
      folder.rollup = time
    }
  }
}

function topFolderId({ hub, project }: Pick<ProjectTree, 'hub' | 'project'>, name: string): string {
  return folderId(hub, `${project.id}/${name}`)
}
