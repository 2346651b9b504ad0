import { mimeType, extension as suffix } from '../../mime-types.ts'
import { contentOf, listChildren, tipOf, type Folder, type Item, type ProjectTree, type Version } from './entries.ts'
import { storageId, versionId } from './ids.ts'

export const origin = 'https://developer.api.autodesk.com'

/** Seven digits of a second. */
export function apiTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '0000Z')
}

/** Where the resources of a project are. Ids stand there as they are, except for the question mark of a version. */
export function dataUrl({ project }: ProjectTree, kind: 'folders' | 'items' | 'versions', id: string): string {
  return `${origin}/data/v1/projects/${project.id}/${kind}/${id.replace('?', '%3F')}`
}

/** A folder as Data Management shows it; `above`: folders that lead to it and that the viewer may not see. */
export function folderData(folder: Folder, above: readonly Folder[] = []) {
  const { tree, id, name, hidden, parent } = folder
  const href = dataUrl(tree, 'folders', id)
  return {
    type: 'folders' as const,
    id,
    attributes: {
      name,
      displayName: name,
      createTime: apiTime(folder.created),
      ...author(folder, 'create'),
      lastModifiedTime: apiTime(folder.modified),
      ...author(folder, 'lastModified'),
      lastModifiedTimeRollup: apiTime(folder.rollup),
      objectCount: listChildren(folder, { hidden: false }).length,
      hidden,
      extension: {
        ...extension('folders:autodesk.bim360:Folder'),
        data: { ...folderFacts(folder), ...(above.length > 0 && { folderParents: above.map(folderParent) }) },
      },
    },
    links: { self: { href }, webView: { href: webView(folder) } },
    relationships: {
      contents: related(`${href}/contents`),
      parent: { ...(parent && { data: { type: 'folders', id: parent.id } }), ...related(`${href}/parent`) },
      ...references(href),
    },
  }
}

/** An item; `path` where it was asked for. */
export function itemData(item: Item, { path }: { path?: boolean } = {}) {
  const { tree, id, hidden, parent } = item
  const { name } = contentOf(item)
  const href = dataUrl(tree, 'items', id)
  return {
    type: 'items' as const,
    id,
    attributes: {
      displayName: displayName(tree, name),
      createTime: apiTime(item.created),
      ...author(item, 'create'),
      lastModifiedTime: apiTime(item.modified),
      ...author(item, 'lastModified'),
      hidden,
      reserved: false,
      ...(path && { pathInProject: pathInProject(item) }),
      extension: { ...extension('items:autodesk.bim360:File'), data: { sourceFileName: name } },
    },
    links: { self: { href }, webView: { href: webView(parent, id) } },
    relationships: {
      tip: { data: { type: 'versions', id: versionId(id, item.versions.length) }, ...related(`${href}/tip`) },
      versions: related(`${href}/versions`),
      parent: { data: { type: 'folders', id: parent.id }, ...related(`${href}/parent`) },
      ...references(href),
    },
  }
}

/** A version by its number, from 1. */
export function versionData(item: Item, number: number) {
  const version = item.versions[number - 1] ?? tipOf(item)
  const { tree } = item
  const id = versionId(item.id, number)
  const href = dataUrl(tree, 'versions', id)
  return {
    type: 'versions' as const,
    id,
    attributes: {
      name: version.name,
      displayName: version.deleted ? version.name : displayName(tree, version.name),
      createTime: apiTime(version.created),
      ...author(item, 'create'),
      lastModifiedTime: apiTime(version.modified),
      ...author(item, 'lastModified'),
      versionNumber: number,
      ...content(item, version, number),
    },
    links: { self: { href }, webView: { href: webView(item.parent, id) } },
    relationships: {
      item: { data: { type: 'items', id: item.id }, ...related(`${href}/item`) },
      ...references(href),
      downloadFormats: related(`${href}/downloadFormats`),
      ...(!version.deleted && { storage: storage(tree, id, version.name) }),
    },
  }
}

function content(item: Item, { name, size, deleted }: Version, number: number): object {
  if (deleted) {
    return { extension: { ...extension('versions:autodesk.core:Deleted'), data: { originalName: contentOf(item).name } } }
  }
  const type = suffix(name)
  return {
    // Only the older projects say it.
    ...(item.tree.project.type === 'BIM360' && { mimeType: mimeType(name) }),
    ...(type !== '' && { fileType: type.toLowerCase() }),
    ...(size !== null && { storageSize: size }),
    extension: {
      ...extension('versions:autodesk.bim360:File'),
      data: {
        processState: 'PROCESSING_COMPLETE',
        extractionState: 'SUCCESS',
        splittingState: 'NOT_SPLIT',
        reviewState: 'NOT_IN_REVIEW',
        revisionDisplayLabel: String(number),
        sourceFileName: name,
        conformingStatus: 'NONE',
      },
    },
  }
}

function folderParent({ id, name, parent, tree }: Folder): object {
  return { urn: id, isRoot: parent === tree.root, title: name, parentUrn: parent?.id }
}

function folderFacts({ parent, system }: Folder): object {
  const types = ['items:autodesk.bim360:File']
  return {
    visibleTypes: types,
    actions: ['CONVERT'],
    allowedTypes: [...types, 'folders:autodesk.bim360:Folder'],
    ...(!system && { isRoot: parent !== null && parent.parent === null, folderType: 'normal' }),
    namingStandardIds: [],
  }
}

/** The names of the folders from the top down, without the one above what people see. */
export function pathInProject(item: Item): string {
  const names: string[] = []
  for (let at: Folder | null = item.parent; at?.parent; at = at.parent) names.unshift(at.name)
  return `/${names.join('/')}`
}

function author({ tree, parent }: Folder | Item, deed: 'create' | 'lastModified'): Record<string, string> {
  // Nobody made the folders of a new project.
  const person = parent === null || parent.parent === null ? null : tree.owner
  return {
    [`${deed}UserId`]: person?.account.id ?? '',
    [`${deed}UserName`]: person === null ? '' : `${person.givenName} ${person.familyName}`,
  }
}

// Older projects drop the extension: the name is in the version.
function displayName({ project }: ProjectTree, name: string): string {
  const type = suffix(name)
  return project.type === 'ACC' || type === '' ? name : name.slice(0, -type.length - 1)
}

function webView({ tree, id }: Folder, entity?: string): string {
  const guid = tree.project.id.slice('b.'.length)
  const folder = encodeURIComponent(id)
  if (tree.project.type === 'BIM360') {
    const file = entity === undefined ? '' : `/detail/viewer/items/${encodeURIComponent(entity)}`
    return `https://docs.b360.autodesk.com/projects/${guid}/folders/${folder}${file}`
  }
  const host = tree.hub.region === 'EMEA' ? 'acc.autodesk.eu' : 'acc.autodesk.com'
  const file = entity === undefined ? '' : `&entityId=${encodeURIComponent(entity)}`
  return `https://${host}/docs/files/projects/${guid}?folderUrn=${folder}${file}`
}

function storage({ hub, project }: ProjectTree, version: string, name: string) {
  const id = storageId(hub, version, suffix(name))
  const [bucket, key] = id.slice('urn:adsk.objects:os.object:'.length).split('/')
  const scope = `b360project.${project.id.slice('b.'.length)}`
  return {
    data: { type: 'objects', id },
    meta: { link: { href: `${origin}/oss/v2/buckets/${bucket}/objects/${key}?scopes=${scope}` } },
  }
}

export function extension(type: string) {
  return { type, version: '1.0', schema: { href: `${origin}/schema/v1/versions/${type}-1.0` } }
}

function references(href: string) {
  return {
    refs: { links: { self: { href: `${href}/relationships/refs` }, related: { href: `${href}/refs` } } },
    links: { links: { self: { href: `${href}/relationships/links` } } },
  }
}

function related(href: string) {
  return { links: { related: { href } } }
}
