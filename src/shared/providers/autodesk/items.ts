import type { FileItem, FolderItem } from '../../sync/stream.ts'
import type { FolderData, ItemData, VersionData } from './answers.ts'

/** Autodesk's own. It shows them to administrators and to the app itself, beside those that people see. */
const systemFolder = /^(ProjectTb|COST Root Folder)$|^dm-|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/i
const deletedVersion = 'versions:autodesk.core:Deleted'

/**
 * Whether people see a top folder: "Project Files", in BIM 360 also "Plans", and for a person who may not see these the folders below
 * them that they may. At the top nobody can make folders, so what has the name of a system folder there is one.
 */
export function isForPeople(folder: FolderData): boolean {
  if (folder.attributes.hidden === true) return false
  return parentNames(folder).length > 0 || !systemFolder.test(folder.attributes.name)
}

/** Nothing is ever removed at Autodesk: what is deleted is hidden, and a file's last version says so. */
export function isDeleted(entry: FolderData | ItemData, tip?: VersionData): boolean {
  return entry.attributes.hidden === true || tip?.attributes.extension.type === deletedVersion
}

/** Its name has the folders above it that the account may not see, so that a file's path is the same whoever reads it. */
export function topFolderName(folder: FolderData): string {
  return [...parentNames(folder), folder.attributes.name].join('/')
}

/** Always listed: what is still to be listed stands in the cursor. */
export function toFolderItem({ id, attributes }: FolderData, parent: string): FolderItem {
  return { id, parent, name: attributes.name, listed: true }
}

/** The newest version of an item, of those that came with it. */
export function tipOf(item: ItemData, included: readonly VersionData[] = []): VersionData | undefined {
  const id = item.relationships?.tip?.data?.id
  return included.find((version) => version.id === id)
}

/** A file as its newest version is. `displayName`, the item's, may lack the extension. */
export function toFileItem(item: ItemData, tip: VersionData, parent: string, projectId: string): FileItem {
  const { attributes } = tip
  return {
    id: item.id,
    parent,
    name: attributes.name,
    link: item.links?.webView?.href ?? webView(projectId, parent, item.id),
    size: attributes.storageSize ?? null,
    mime: attributes.mimeType ?? null,
    created: toTime(item.attributes.createTime),
    updated: toTime(attributes.lastModifiedTime ?? item.attributes.lastModifiedTime),
    metadata: metadata(tip),
  }
}

/** Only what changes with the file: anything else, such as the state of its conversion, would rewrite unchanged rows. */
function metadata({ id, attributes, relationships }: VersionData): Record<string, unknown> {
  const storageId = relationships?.storage?.data?.id
  return {
    version_id: id,
    version_type: attributes.extension.type,
    ...(attributes.versionNumber !== undefined && { version_number: attributes.versionNumber }),
    ...(storageId !== undefined && { storage_id: storageId }),
  }
}

/** ISO 8601 with up to six digits of a second, as Postgres keeps it; null for what is no time. */
function toTime(text: string | undefined): string | null {
  const time = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d*(Z|[+-]\d\d:?\d\d)$/.exec(text ?? '')
  if (!time) return null
  const [, seconds = '', fraction = '', zone = ''] = time
  const iso = seconds + fraction + zone
  return Number.isNaN(Date.parse(iso)) ? null : iso
}

function webView(projectId: string, folderId: string, itemId: string): string {
  const query = `folderUrn=${encodeURIComponent(folderId)}&entityId=${encodeURIComponent(itemId)}`
  return `https://acc.autodesk.com/docs/files/projects/${projectId.replace(/^b\./, '')}?${query}`
}

function parentNames({ attributes }: FolderData): string[] {
  return (attributes.extension.data?.folderParents ?? []).map(({ title }) => title)
}
