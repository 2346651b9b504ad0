import { Hono, type Context, type MiddlewareHandler } from 'hono'
import type { AuthorizationServer } from '../oauth/authorization-server.ts'
import { requireToken, type BearerEnv } from '../oauth/bearer.ts'
import { jsonAnswer } from '../provider.ts'
import type { ProcoreDirectory } from './directory.ts'
import { companyMissing, notConnected, notFound, ProcoreError, rateLimited, tokenInvalid } from './errors.ts'
import { PagedList } from './paging.ts'
import type { RateLimit } from './rate-limit.ts'
import type { Project } from './types.ts'

/** The API of production, developer sandbox and monthly sandbox. */
export const apiHosts = ['api.procore.com', 'sandbox.procore.com', 'api-monthly.procore.com']

interface ApiEnv {
  Bindings: BearerEnv['Bindings']
  Variables: BearerEnv['Variables'] & { login: string; projects: readonly Project[] }
}

interface ApiParts {
  directory: ProcoreDirectory
  oauth: AuthorizationServer
  limit: RateLimit
}

/** What the API offers here: the user, the companies, and the projects of one. */
export function procoreRoutes({ directory, oauth, limit }: ApiParts): Hono<ApiEnv> {
  const api = new Hono<ApiEnv>()
  /** By user and list. */
  const lists = new Map<string, PagedList>()
  api.use(
    requireToken(oauth, () => tokenInvalid().toResponse()),
    countRequest(limit),
  )

  api.get('/rest/v1.0/me', (c) => jsonAnswer({ status: 200, body: directory.me(c.var.login) }))
  // Both know the user's companies, and need no header that names one. https://developers.procore.com/documentation/mpz-headers
  api.get('/rest/v1.0/companies', (c) => listAnswer(c, directory.companies(c.var.login), 2000))

  api.get('/rest/v1.1/projects', requireCompany(directory), (c) => {
    if (c.req.query('company_id') === undefined) throw new ProcoreError(400, { company_id: ['required'] })
    return listAnswer(c, c.var.projects, 300)
  })

  const routes = new Hono<ApiEnv>()
  for (const host of apiHosts) routes.route(`/${host}`, api)
  routes.onError((error) => {
    if (error instanceof ProcoreError) return error.toResponse()
    throw error
  })
  return routes

  function listAnswer(c: Context<ApiEnv>, all: readonly unknown[], largestSize: number): Response {
    const { pathname, search } = new URL(c.req.url)
    // Links name Procore's own address, as the path here begins with its host.
    const url = new URL(`https:/${pathname}${search}`)
    const key = `${c.var.login} ${pathname} ${c.req.query('company_id')}`
    const list = lists.get(key) ?? new PagedList()
    lists.set(key, list)
    const { items, headers } = list.page(all, { url, usualSize: 100, largestSize, itemLimit: c.get('itemLimit') })
    return jsonAnswer({ status: 200, body: items, headers })
  }
}

function countRequest(limit: RateLimit): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const login = c.var.token.account ?? ''
    c.set('login', login)
    const { exceeded, headers } = limit.take(login)
    if (exceeded) throw rateLimited(headers)
    await next()
    for (const [name, value] of Object.entries(headers)) c.res.headers.set(name, value)
  }
}

/**
 * The company of the header, in which the app must be installed. Where it is not, and where the user is not, sign-in worked all the same.
 * https://developers.procore.com/documentation/building-apps-install-arch
 */
function requireCompany(directory: ProcoreDirectory): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const id = c.req.header('procore-company-id')
    if (id === undefined) throw companyMissing()
    const company = directory.company(c.var.login, id)
    if (company === undefined) throw notFound()
    if (!company.installed) throw notConnected()
    c.set('projects', company.projects)
    return next()
  }
}
