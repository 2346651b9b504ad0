import { z } from 'zod'
import { PatchbayError } from '../../errors.ts'
import type { ApiRequest, ListItem } from '../define.ts'
import { Hubs, Projects } from './answers.ts'

// A project is in a hub, and a hub is an account of Autodesk Construction Cloud: hubs are read first, then each one's projects.

/** What is read next: the address of the page, whether it lists hubs or projects, and the hubs after it. */
const Cursor = z.object({ reads: z.enum(['hubs', 'projects']), path: z.string(), hubs: z.array(z.string()) })
type Cursor = z.infer<typeof Cursor>

const firstPage: Cursor = { reads: 'hubs', path: '/project/v1/hubs', hubs: [] }
const origin = 'https://developer.api.autodesk.com'

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
  const { data, links, meta } = Hubs.parse(body)
  // Others are of Fusion Teams and of single persons.
  const known = [...hubs, ...data.map(({ id }) => id).filter((id) => id.startsWith('b.'))]
  // Hubs are not paged as far as is known.
  if (links?.next) return { items: [], next: cursorText({ reads, path: pathOf(links.next.href), hubs: known }) }
  const warnings = meta?.warnings ?? []
  if (known.length > 0 || warnings.length === 0) return { items: [], next: nextHub(known) }
  // The account may be in the region that fails.
  const failing = warnings.find(({ HttpStatusCode: status }) => status >= 500 || status === 429)
  throw failing ? unavailable(failing.HttpStatusCode) : notAdded(warnings[0]?.ErrorCode)
}

function nextHub([hub, ...hubs]: readonly string[]): string | null {
  if (hub === undefined) return null
  return cursorText({ reads: 'projects', path: `/project/v1/hubs/${encodeURIComponent(hub)}/projects?page[limit]=200`, hubs })
}

/** Links are absolute or relative. Only the path stays: the host is ours to say. */
function pathOf(href: string): string {
  const { pathname, search } = new URL(href, origin)
  return pathname + search
}

function parseCursor(cursor: string | null): Cursor {
  return cursor === null ? firstPage : Cursor.parse(JSON.parse(cursor))
}

function cursorText(cursor: Cursor): string {
  return JSON.stringify(cursor)
}

/** `status` is that of a region, in an answer that is 200. */
function unavailable(status: number): PatchbayError {
  const message = `Autodesk is failing to list the accounts of a region (${status}). Try again later.`
  return new PatchbayError('provider_unavailable', message, { context: { provider: 'autodesk', status } })
}

/** Autodesk answers 200 with an empty list and a warning for each region. */
function notAdded(reason: string | null | undefined): PatchbayError {
  return new PatchbayError('provider_forbidden', 'Autodesk shows this app no account of Autodesk Construction Cloud.', {
    context: { provider: 'autodesk', status: 200, ...(reason && { reason }) },
    hint: 'An administrator of the account has to add the client id under Account Admin → Custom Integrations.',
  })
}
