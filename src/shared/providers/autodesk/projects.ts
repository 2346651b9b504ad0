import { z } from 'zod'
import type { ApiRequest, ListItem } from '../define.ts'
import { Hubs, Projects } from './answers.ts'
import { accountsOf, failingRegion, hubPath, hubsPath, notAdded, pathOf } from './hubs.ts'

// A project is in a hub, and a hub is an account of Autodesk Construction Cloud: hubs are read first, then each one's projects.

/** What is read next: the address of the page, whether it lists hubs or projects, and the hubs after it. */
const Cursor = z.object({ reads: z.enum(['hubs', 'projects']), path: z.string(), hubs: z.array(z.string()) })
type Cursor = z.infer<typeof Cursor>

const firstPage: Cursor = { reads: 'hubs', path: hubsPath, hubs: [] }

/** The request of a page of projects; the first page is one of hubs, and has no items. */
export function projectsRequest(cursor: string | null): ApiRequest {
  return { path: parseCursor(cursor).path }
}

/**
 * The projects of a page, with ids as `b.<uuid>`. Throws when Autodesk shows no account to this app, and says why: `provider_unavailable`
 * for a region that fails, else `provider_forbidden`.
 */
export function projectsPage(body: unknown, answer: { cursor: string | null }): { items: ListItem[]; next: string | null } {
  const { reads, hubs } = parseCursor(answer.cursor)
  if (reads === 'projects') {
    const { data, links } = Projects.parse(body)
    const items = data.map(({ id, attributes }) => ({ id, label: attributes.name }))
    return { items, next: links?.next ? cursorText({ reads, path: pathOf(links.next.href), hubs }) : nextHub(hubs) }
  }
  const answered = Hubs.parse(body)
  const { links, meta } = answered
  const known = [...hubs, ...accountsOf(answered).map(({ id }) => id)]
  // Hubs are not paged as far as is known.
  if (links?.next) return { items: [], next: cursorText({ reads, path: pathOf(links.next.href), hubs: known }) }
  const warned = (meta?.warnings ?? []).length > 0
  if (known.length > 0 || !warned) return { items: [], next: nextHub(known) }
  // The account may be in the region that fails.
  throw failingRegion(answered) ?? notAdded(answered)
}

function nextHub([hub, ...hubs]: readonly string[]): string | null {
  if (hub === undefined) return null
  return cursorText({ reads: 'projects', path: `${hubPath(hub)}/projects?page[limit]=200`, hubs })
}

function parseCursor(cursor: string | null): Cursor {
  return cursor === null ? firstPage : Cursor.parse(JSON.parse(cursor))
}

function cursorText(cursor: Cursor): string {
  return JSON.stringify(cursor)
}
