import { PatchbayError } from '../../errors.ts'
import type { ProviderApi } from '../../http/provider-api.ts'
import { Folder, FolderContents, Item, TopFolders, type FolderData, type ItemData, type VersionData } from './answers.ts'
import type { Visit } from './cursor.ts'
import { hubPath, origin, pathOf } from './hubs.ts'
import { isForPeople, tipOf } from './items.ts'

/** How many requests for single things are under way at a time. */
const atOnce = 8

const mostTopFolderPages = 50

/** The folders at the top of a project that people see. Not paged as far as is known; a next link is followed all the same. */
export async function getTopFolders(api: ProviderApi, hubId: string, projectId: string): Promise<FolderData[]> {
  const path = `${hubPath(hubId)}/projects/${encodeURIComponent(projectId)}/topFolders`
  let page = await api.get(path, { excludeDeleted: 'true' }, TopFolders)
  const folders = page.data
  for (let pages = 1; page.links?.next; pages += 1) {
    // What is left out here would be taken for gone.
    if (pages === mostTopFolderPages) throw notAsked('links.next')
    page = await api.get(pathOf(page.links.next.href), {}, TopFolders)
    folders.push(...page.data)
  }
  return folders.filter(isForPeople)
}

export async function getFolder(api: ProviderApi, projectId: string, folderId: string): Promise<FolderData> {
  const { data } = await api.get(folderPath(projectId, folderId), {}, Folder)
  if (data.id === folderId) return data
  throw notAsked('data.id')
}

/** An item and its newest version. */
export async function getItem(
  api: ProviderApi,
  projectId: string,
  itemId: string,
): Promise<{ item: ItemData; tip: VersionData }> {
  const { data: item, included } = await api.get(`${projectPath(projectId)}/items/${encodeURIComponent(itemId)}`, {}, Item)
  const tip = tipOf(item, included)
  if (item.id === itemId && tip) return { item, tip }
  throw notAsked(tip ? 'data.id' : 'included')
}

/**
 * Up to `most` entries of a folder, and the visit that follows; null when there are no more. The number of a page is ours, so that pages
 * of another size can follow; of a next link counts that it leads on, and what it asks for besides.
 *
 * When an entry of an earlier page goes, all that follow move up, and one would slip through between two pages. So a page begins with the
 * last entry of the one before, if it can; where that is not found, the listing goes a page back.
 */
export async function listContents(api: ProviderApi, projectId: string, visit: Visit, most: number) {
  const { number, limit, overlaps } = pageAt(visit, most)
  const page = { 'page[number]': String(number), 'page[limit]': String(limit) }
  const query = { ...Object.fromEntries(new URLSearchParams(visit.query)), ...page }
  const { data, included, links } = await api.get(`${folderPath(projectId, visit.id)}/contents`, query, FolderContents)
  if (links?.self && !isContentsOf(links.self.href, visit.id)) throw notAsked('links.self')
  if (data.length > limit || data.some((entry) => entry.id === visit.id)) throw notAsked('data')
  const next = links?.next ? followingVisit(visit, links.next.href, { number, limit }) : null
  const before = overlaps ? data.findIndex((entry) => entry.id === visit.after) : -1
  if (overlaps && before === -1 && !visit.goneBack) {
    return { data: [], included: [], next: { ...visit, from: Math.max(0, (number - 1) * limit), after: '', goneBack: true } }
  }
  // A page that is shorter than asked for ends where the provider says.
  const last = data.length === limit && next?.query === '' ? data.at(-1) : undefined
  const goneBack = visit.goneBack && visit.after === ''
  return { data: data.slice(before + 1), included: included ?? [], next: next && { ...next, after: last?.id ?? '', goneBack } }
}

/** `read` of each, some at a time. */
export async function readEach<T, R>(all: readonly T[], read: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < all.length; start += atOnce) {
    results.push(...(await Promise.all(all.slice(start, start + atOnce).map(read))))
  }
  return results
}

/**
 * The page that reaches furthest, of those that show the entry before `from` again. Where none does, the one that `from` is on: it may begin
 * before, as another size than last time can make it; what is read twice is stored once.
 */
function pageAt({ from, after, query }: Visit, most: number): { number: number; limit: number; overlaps: boolean } {
  const plain = { number: Math.floor(from / most), limit: most, overlaps: false }
  if (after === '' || query !== '') return plain
  let best = plain
  let end = from
  for (let limit = most; limit > 0; limit -= 1) {
    const number = Math.floor((from - 1) / limit)
    if ((number + 1) * limit <= end) continue
    end = (number + 1) * limit
    best = { number, limit, overlaps: true }
  }
  return best
}

function projectPath(projectId: string): string {
  return `/data/v1/projects/${encodeURIComponent(projectId)}`
}

function folderPath(projectId: string, folderId: string): string {
  return `${projectPath(projectId)}/folders/${encodeURIComponent(folderId)}`
}

/** Ids in links are encoded, or not. */
function isContentsOf(href: string, folderId: string): boolean {
  const path = pathOf(href)
  return [folderId, encodeURIComponent(folderId)].some((id) => path.includes(`/folders/${id}/contents`))
}

/** Throws for a link to another folder, or back: following it would never end. */
function followingVisit({ id }: Visit, href: string, { number, limit }: { number: number; limit: number }) {
  const { searchParams } = new URL(pathOf(href), origin)
  const leadsOn = Number(searchParams.get('page[number]')) > number
  if (!leadsOn || !isContentsOf(href, id)) throw notAsked('links.next')
  searchParams.delete('page[number]')
  searchParams.delete('page[limit]')
  return { id, from: (number + 1) * limit, query: searchParams.toString() }
}

function notAsked(field: string): PatchbayError {
  return new PatchbayError('provider_answer_invalid', `Autodesk answered something else than was asked for: ${field}.`, {
    context: { provider: 'autodesk', field },
  })
}
