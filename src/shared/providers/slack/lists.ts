import { z } from 'zod'
import type { ApiRequest, ListItem, ProviderList } from '../define.ts'
import { AuthTeamsList, AuthTest } from './answers.ts'

// A token of a whole organization has to name the workspace in each request for a list. Only Slack knows whose a token is, so that is
// asked for first; then, for an organization, its workspaces; then the pages of each.

/** What is read next: of what, from where in it (Slack's own cursor), and the workspaces, the one that is being read first. */
const Cursor = z.object({
  reads: z.enum(['account', 'workspaces', 'items']),
  from: z.string().optional(),
  workspaces: z.array(z.object({ id: z.string(), name: z.string() })),
})
type Cursor = z.infer<typeof Cursor>

/** What a list's method takes and answers, in a workspace. */
interface Listing {
  path: string
  query: Readonly<Record<string, string>>
  read: (body: unknown) => { items: ListItem[]; next: string | null | undefined }
}

/** A list of the workspace that the app was installed in, or of all workspaces of the organization: labels then say which. */
export function listOfWorkspaces(listing: Listing): ProviderList {
  return {
    request: (cursor) => requestOf(listing, parseCursor(cursor)),
    read: (body, { cursor }) => {
      const at = parseCursor(cursor)
      if (at.reads === 'account') return { items: [], next: afterAccount(body) }
      if (at.reads === 'workspaces') return { items: [], next: afterWorkspaces(body, at) }
      const { items, next } = listing.read(body)
      return { items: labelled(items, at), next: next ? cursorText({ ...at, from: next }) : nextWorkspace(at) }
    },
  }
}

function requestOf({ path, query }: Listing, { reads, from, workspaces }: Cursor): ApiRequest {
  if (reads === 'account') return { path: '/auth.test' }
  if (reads === 'workspaces') return { path: '/auth.teams.list', query: { limit: '200', cursor: from } }
  return { path, query: { ...query, limit: '200', cursor: from, team_id: workspaces[0]?.id } }
}

function afterAccount(body: unknown): string {
  const { is_enterprise_install } = AuthTest.parse(body)
  return cursorText({ reads: is_enterprise_install ? 'workspaces' : 'items', workspaces: [] })
}

function afterWorkspaces(body: unknown, { workspaces }: Cursor): string | null {
  const { teams, response_metadata } = AuthTeamsList.parse(body)
  const known = [...workspaces, ...teams.map(({ id, name }) => ({ id, name: name ?? id }))]
  const from = response_metadata?.next_cursor
  if (from) return cursorText({ reads: 'workspaces', from, workspaces: known })
  return known.length === 0 ? null : cursorText({ reads: 'items', workspaces: known })
}

function nextWorkspace({ workspaces: [, ...workspaces] }: Cursor): string | null {
  return workspaces.length === 0 ? null : cursorText({ reads: 'items', workspaces })
}

function labelled(items: ListItem[], { workspaces: [workspace] }: Cursor): ListItem[] {
  return workspace ? items.map(({ id, label }) => ({ id, label: `${label} (${workspace.name})` })) : items
}

function parseCursor(cursor: string | null): Cursor {
  return cursor === null ? { reads: 'account', workspaces: [] } : Cursor.parse(JSON.parse(cursor))
}

function cursorText(cursor: Cursor): string {
  return JSON.stringify(cursor)
}
