import { foldersAbove, type Entry, type Folder, type ProjectTree } from './entries.ts'

/** On whose behalf a request is made; null: the app's own, which sees everything in the accounts that have added it. */
export type Viewer = string | null

/** Whether this is an administrator of the project's account; a person is one in the first account that they are in. */
export function isAdministrator(tree: ProjectTree, viewer: Viewer): boolean {
  return viewer === null || (viewer === tree.owner.account.name && tree.hub === tree.owner.hubs[0])
}

/** The nearest word about the viewer counts, at the entry itself or above it. At Autodesk, nobody closes out an administrator. */
export function canSee(entry: Entry, viewer: Viewer): boolean {
  if (viewer === null) return true
  const chain = [entry, ...foldersAbove(entry)]
  const open = chain.map(({ access }) => access?.get(viewer)).find((word) => word !== undefined) ?? true
  if (!open) return false
  const system = entry.parent === null || chain.some((each) => each.kind === 'folders' && each.system)
  return !system || isAdministrator(entry.tree, viewer)
}

/** Those of a folder's children that a viewer of the folder sees as well. */
export function seenBy(children: readonly Entry[], viewer: Viewer): readonly Entry[] {
  if (viewer === null || children.every(({ access }) => access === null)) return children
  return children.filter(({ access }) => access?.get(viewer) !== false)
}

/**
 * The top folders as an administrator sees them, else the highest folders that the viewer may see: those below a closed one that were
 * opened to them.
 */
export function topFolders(tree: ProjectTree, viewer: Viewer, restricted: Iterable<Entry>): Folder[] {
  const below = [...restricted].filter(({ tree: its, parent }) => its === tree && parent !== null && parent !== tree.root)
  const highest = below.filter(({ parent }) => parent !== null && !canSee(parent, viewer))
  return [...tree.root.children, ...highest].filter((entry) => entry.kind === 'folders').filter((entry) => canSee(entry, viewer))
}

/** The folders above one that the viewer may not see, from the top folder down: without them, nobody would know where it is. */
export function closedAbove(folder: Folder, viewer: Viewer): Folder[] {
  const above = [...foldersAbove(folder)].filter((each) => each.parent !== null)
  return above.some((each) => canSee(each, viewer)) ? [] : above.toReversed()
}
