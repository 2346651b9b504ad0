import type { AutodeskDirectory } from '../directory.ts'
import { closed, notFound } from '../errors.ts'
import { canSee, type Viewer } from './access.ts'
import type { Entry, Folder, Item, ProjectTree } from './entries.ts'
import type { FileStore } from './file-store.ts'
import { parseVersionId } from './ids.ts'

/** Finds what a request names, as its viewer may see it. All throw AutodeskProblem. */
export class FileFinder {
  readonly store: FileStore
  readonly #directory: AutodeskDirectory

  constructor(store: FileStore, directory: AutodeskDirectory) {
    this.store = store
    this.#directory = directory
  }

  tree(projectId: string, viewer: Viewer): ProjectTree {
    const tree = this.store.tree(projectId)
    if (tree === undefined) throw notFound()
    if (!this.#directory.hubs(viewer).includes(tree.hub)) throw closed()
    return tree
  }

  folder(projectId: string, id: string, viewer: Viewer): Folder {
    const entry = this.#entry(projectId, id, viewer)
    if (entry.kind !== 'folders') throw notFound()
    return entry
  }

  item(projectId: string, id: string, viewer: Viewer): Item {
    const entry = this.#entry(projectId, id, viewer)
    if (entry.kind !== 'items') throw notFound()
    return entry
  }

  version(projectId: string, id: string, viewer: Viewer): { item: Item; number: number } {
    const parsed = parseVersionId(id)
    if (parsed === undefined) throw notFound()
    const item = this.item(projectId, parsed.item, viewer)
    if (item.versions[parsed.number - 1] === undefined) throw notFound()
    return { item, number: parsed.number }
  }

  #entry(projectId: string, id: string, viewer: Viewer): Entry {
    const tree = this.tree(projectId, viewer)
    const entry = this.store.find(id)
    if (entry === undefined || entry.tree !== tree) throw notFound()
    if (!canSee(entry, viewer)) throw closed("You don't have permission to execute this action on the container")
    return entry
  }
}
