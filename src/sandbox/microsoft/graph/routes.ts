import { randomUUID } from 'node:crypto'
import { Hono, type Context, type MiddlewareHandler } from 'hono'
import type { SandboxClock } from '../../clock.ts'
import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { requireToken, type BearerEnv } from '../../oauth/bearer.ts'
import { jsonAnswer } from '../../provider.ts'
import { graphPrefix } from '../identity-platform.ts'
import { findPerson, type Person } from '../people.ts'
import { accessDenied, GraphError, noMailbox, notSimulated, tokenErrors } from './graph-error.ts'
import type { Mailboxes } from './mailboxes.ts'
import { userResource } from './me.ts'
import { readPage, select, selection } from './query-options.ts'

const metadata = 'https://graph.microsoft.com/v1.0/$metadata#'
const contentType = 'application/json; odata.metadata=minimal; odata.streaming=true; IEEE754Compatible=false; charset=utf-8'

/** Graph, version 1.0: the account and its calendars. */
export function graphRoutes(mailboxes: Mailboxes, oauth: AuthorizationServer, clock: SandboxClock): Hono<BearerEnv> {
  const graph = new Hono<BearerEnv>().basePath('/graph.microsoft.com/v1.0')
  graph.use('*', async (c, next) => {
    await next()
    for (const [name, value] of Object.entries(diagnostics(c))) c.header(name, value)
  })
  graph.use(
    '*',
    requireToken(oauth, (problem) => jsonAnswer(tokenErrors[problem]().answer(clock.now()))),
  )

  graph.get('/me', scopes('User.Read'), (c) => {
    const query = c.req.query()
    const context = `${metadata}users${selection(query)}/$entity`
    return ok({ '@odata.context': context, ...select(userResource(person(c)), query, 'user') })
  })

  graph.get('/me/calendars', scopes('Calendars.Read', 'Calendars.ReadBasic', 'Calendars.ReadWrite'), (c) => {
    const owner = person(c)
    if (!owner.mailbox) throw noMailbox()
    const query = c.req.query()
    const { top, skip } = readPage(query)
    const all = mailboxes.calendars(owner)
    const end = skip + Math.min(top, c.var.itemLimit ?? top)
    const value = all.slice(skip, end).map((calendar) => select(calendar, query, 'calendar'))
    const more = end < all.length || c.var.itemLimit === 0
    return ok({
      '@odata.context': `${metadata}users('${encodeURIComponent(owner.address)}')/calendars${selection(query)}`,
      value,
      ...(more && { '@odata.nextLink': nextLink(query, end) }),
    })
  })

  graph.all('*', (c) => {
    throw notSimulated(`${c.req.method} ${c.req.path}`)
  })
  graph.onError((error) => {
    if (error instanceof GraphError) return jsonAnswer(error.answer(clock.now()))
    throw error
  })
  return graph
}

/** Lets pass whoever has one of these scopes. */
function scopes(...accepted: readonly string[]): MiddlewareHandler<BearerEnv> {
  return async (c, next) => {
    const granted = c.var.token.scopes.map((scope) => scope.replace(graphPrefix, ''))
    if (!granted.some((scope) => accepted.includes(scope))) throw accessDenied()
    return next()
  }
}

function person(c: Context<BearerEnv>): Person {
  return findPerson(c.var.token.account ?? '')
}

function ok(body: object): Response {
  return jsonAnswer({ status: 200, body, headers: { 'content-type': contentType } })
}

// With `$` as `%24`: a client that takes it apart and puts it together again may ask for something else.
function nextLink(query: Readonly<Record<string, string>>, skip: number): string {
  const parameters = new URLSearchParams({ ...query, $skip: String(skip) })
  return `https://graph.microsoft.com/v1.0/me/calendars?${parameters.toString()}`
}

function diagnostics(c: Context<BearerEnv>): Record<string, string> {
  // An error has one in its body already.
  const requestId = c.res.headers.get('request-id') ?? randomUUID()
  const server = { DataCenter: 'West US 2', Slice: 'E', Ring: '4', ScaleUnit: '004', RoleInstance: 'CO1PEPF00001A2B' }
  return {
    'cache-control': 'private',
    'request-id': requestId,
    'client-request-id': c.req.header('client-request-id') ?? requestId,
    'x-ms-ags-diagnostic': JSON.stringify({ ServerInfo: server }),
  }
}
