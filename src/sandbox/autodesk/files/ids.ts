import { createHash } from 'node:crypto'
import type { Hub } from '../directory.ts'

// Ids follow from what an entry is, so that the same tree has the same ids after a restart and on another machine.

/** A UUID, the same for the same text. */
export function uuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-')
}

export function folderId(hub: Hub, key: string): string {
  return `urn:adsk.${shard(hub)}:fs.folder:co.${short(`folder/${key}`)}`
}

export function itemId(hub: Hub, key: string): string {
  return `urn:adsk.${shard(hub)}:dm.lineage:${short(`item/${key}`)}`
}

/** A version has the letters of its item. `number` is from 1. */
export function versionId(item: string, number: number): string {
  return `${item.replace(':dm.lineage:', ':fs.file:vf.')}?version=${number}`
}

/** The item and the number of a version. */
export function parseVersionId(id: string): { item: string; number: number } | undefined {
  const [, shardName, letters, number] = /^urn:adsk\.(\w+):fs\.file:vf\.([\w-]+)\?version=(\d+)$/.exec(id) ?? []
  return letters === undefined ? undefined : { item: `urn:adsk.${shardName}:dm.lineage:${letters}`, number: Number(number) }
}

/** Where the bytes of a version are, under a name that says nothing but the kind of file. */
export function storageId(hub: Hub, version: string, extension: string): string {
  const bucket = hub.region === 'US' ? 'wip.dm.prod' : `wip.dm.${hub.region.toLowerCase()}.2`
  return `urn:adsk.objects:os.object:${bucket}/${uuid(version)}${extension === '' ? '' : `.${extension}`}`
}

// Each region has its own.
function shard({ region }: Hub): string {
  return region === 'US' ? 'wipprod' : `wip${region.toLowerCase()}`
}

function short(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 22)
}
