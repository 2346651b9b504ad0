import { hash } from 'node:crypto'
import { Hono, type MiddlewareHandler } from 'hono'
import type { calendar_v3 } from '@googleapis/calendar'
import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { bearerToken } from '../../oauth/bearer.ts'
import { jsonAnswer, type SandboxEnv } from '../../provider.ts'
import {
  ApiError,
  insufficientScopes,
  invalidCredentials,
  invalidParameter,
  loginRequired,
  notFound,
  notSimulated,
} from '../api-error.ts'
import { readPageToken, writePageToken } from '../drive/page-token.ts'
import { readBoolean, type Parameters } from '../drive/parameters.ts'
import type { CalendarLists, ListEntry } from './calendar-lists.ts'
import { accepts } from './scopes.ts'

interface CalendarEnv {
  Bindings: SandboxEnv['Bindings']
  Variables: SandboxEnv['Variables'] & { email: string }
}

const base = '/www.googleapis.com/calendar/v3/users/me/calendarList'
const usualPage = 100
const largestPage = 250
// What decides which calendars are in a list, and so which list a page token belongs to.
const listParameters = ['showDeleted', 'showHidden'] as const
const unread = ['minAccessRole', 'showOwnOrganizationOnly', 'syncToken']
// As recorded. Google has no headers that tell of limits.
const headers = { 'cache-control': 'private, max-age=0, must-revalidate, no-transform', vary: 'Origin, X-Origin, Referer' }

/** The Calendar API, version 3: the list of calendars. */
export function calendarRoutes(lists: CalendarLists, oauth: AuthorizationServer): Hono<CalendarEnv> {
  const routes = new Hono<CalendarEnv>()

  routes.get(base, scopes(accepts.list), (c) => {
    const { email, itemLimit = Infinity } = c.var
    return ok(listPage(lists.entries(email), email, c.req.query(), itemLimit))
  })
  routes.get(`${base}/:calendarId`, scopes(accepts.get), (c) => {
    const { email } = c.var
    const asked = c.req.param('calendarId')
    const id = asked === 'primary' ? email : asked
    const entry = lists.entries(email).find((each) => each.id === id)
    if (entry === undefined) throw notFound()
    return ok(entry)
  })

  routes.onError((error) => {
    if (error instanceof ApiError) return error.toResponse()
    throw error
  })
  return routes

  function scopes(accepted: readonly string[]): MiddlewareHandler<CalendarEnv> {
    return async (c, next) => {
      const header = c.req.header('authorization')
      if (header === undefined) throw loginRequired()
      const verified = oauth.verify(bearerToken(header) ?? '')
      if (verified.state !== 'live' || verified.token.account === null) throw invalidCredentials()
      const { account, scopes: granted } = verified.token
      if (!granted.some((scope) => accepted.includes(scope))) throw insufficientScopes(accepted, 'calendar-json.googleapis.com')
      c.set('email', account)
      return next()
    }
  }
}

/** At most `limit` entries, whatever `maxResults` says; a page that it cuts short still leads on. Throws ApiError. */
function listPage(
  entries: readonly ListEntry[],
  email: string,
  query: Parameters,
  limit: number,
): calendar_v3.Schema$CalendarList {
  const missing = unread.find((name) => query[name] !== undefined)
  if (missing !== undefined) throw notSimulated(`${missing} of calendarList.list`)
  const shown = entries.filter(shownBy(query))
  const list = JSON.stringify([email, ...listParameters.map((name) => query[name] ?? null)])
  const token = query['pageToken']
  const start = token === undefined ? 0 : readPageToken(list, token).after + 1
  const end = start + Math.min(readMaxResults(query), limit)
  const more = end < shown.length || limit === 0
  return {
    kind: 'calendar#calendarList',
    etag: `"p32${fingerprint(list)}o"`,
    // The last page has the other one.
    ...(more
      ? { nextPageToken: writePageToken(list, { sorted: 0, after: end - 1 }) }
      : { nextSyncToken: Buffer.from(fingerprint(`${list}/${shown.length}`)).toString('base64') }),
    items: shown.slice(start, end),
  } satisfies calendar_v3.Schema$CalendarList
}

function shownBy(query: Parameters): (entry: ListEntry) => boolean {
  const showDeleted = readBoolean(query, 'showDeleted')
  const showHidden = readBoolean(query, 'showHidden')
  return ({ deleted, hidden }) => (showDeleted || deleted !== true) && (showHidden || hidden !== true)
}

/** From 1 up; Google takes anything above the largest as the largest. */
function readMaxResults({ maxResults }: Parameters): number {
  if (maxResults === undefined) return usualPage
  const size = Number(maxResults)
  if (Number.isInteger(size) && size >= 1) return Math.min(size, largestPage)
  throw invalidParameter('maxResults', `Invalid value '${maxResults}'. Values must be within the range: [1, ${largestPage}]`)
}

function ok(body: object): Response {
  return jsonAnswer({ status: 200, body, headers })
}

function fingerprint(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 12)
}
