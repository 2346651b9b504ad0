import type { HubData, Hubs, ProjectData, Projects } from '@aps_sdk/data-management'
import { Hono, type MiddlewareHandler } from 'hono'
import type { AuthorizationServer } from '../oauth/authorization-server.ts'
import { requireToken, type BearerEnv, type BearerProblem } from '../oauth/bearer.ts'
import { jsonAnswer } from '../provider.ts'
import { apiHost } from './autodesk-oauth.ts'
import type { AutodeskDirectory, Hub, Project } from './directory.ts'
import { autodeskErrors, dataError, gatewayError, noPermission } from './errors.ts'
import { pageOf, pageRequest } from './page.ts'

const origin = `https://${apiHost}`
const jsonapi = { version: '1.0' } as const

/** Hubs and their projects: https://aps.autodesk.com/en/docs/data/v2/reference/http */
export function dataManagementRoutes(directory: AutodeskDirectory, oauth: AuthorizationServer): Hono<BearerEnv> {
  const routes = new Hono<BearerEnv>()
  const authorize = requireToken(oauth, (problem) => jsonAnswer(tokenProblem(problem)))

  routes.get(`/${apiHost}/project/v1/hubs`, authorize, requireScope('data:read'), (c) => {
    const hubs = directory.hubs(c.var.token.account)
    const page = pageRequest(c.req.query())
    if (page === undefined) return jsonAnswer(badPage)
    // Relative, where other links are absolute.
    const { items, links } = pageOf(hubs, page, c.get('itemLimit'), '/project/v1/hubs')
    const body = { jsonapi, links, data: items.map(hubData) } satisfies Hubs
    return c.json({ ...body, ...(hubs.length === 0 && { meta: { warnings: ['US', 'EMEA'].map(regionWarning) } }) })
  })

  routes.get(`/${apiHost}/project/v1/hubs/:hub/projects`, authorize, requireScope('data:read'), (c) => {
    const hub = directory.hubs(c.var.token.account).find(({ id }) => id === c.req.param('hub'))
    // Whether there is no such hub, or it is somebody else's, is not said.
    if (hub === undefined) return jsonAnswer(dataError(403, 'BIM360DM_ERROR', noPermission))
    const page = pageRequest(c.req.query())
    if (page === undefined) return jsonAnswer(badPage)
    const { items, links } = pageOf(hub.projects, page, c.get('itemLimit'), `${origin}/project/v1/hubs/${hub.id}/projects`)
    return c.json({ jsonapi, links, data: items.map((project) => projectData(project, hub)) } satisfies ProjectList)
  })

  routes.all(`/${apiHost}/*`, () => jsonAnswer(autodeskErrors.notFound({ host: apiHost, path: '' })))
  return routes
}

/** Lets only tokens with a scope pass. */
export function requireScope(scope: string): MiddlewareHandler<BearerEnv> {
  return async (c, next) => {
    if (c.var.token.scopes.includes(scope)) return next()
    return jsonAnswer(gatewayError(403, 'AUTH-004', 'The access token does not have the scope for this request.'))
  }
}

/** The gateway's answer to a request without a good token. */
export function tokenProblem(problem: BearerProblem) {
  if (problem === 'missing') return gatewayError(401, 'AUTH-012', 'The Authorization header is missing or malformed.')
  return gatewayError(401, 'AUTH-006', 'The access token is invalid or expired.')
}

const badPage = dataError(400, 'BAD_INPUT', 'page[number] begins at 0, and page[limit] is 1 to 200.')

// The types leave out strings in an extension's data, where the documentation has them.
type ProjectAttributes = Omit<ProjectData['attributes'], 'extension'> & {
  extension: Omit<NonNullable<ProjectData['attributes']['extension']>, 'data'> & { data: { projectType: Project['type'] } }
}
type ProjectList = Omit<Projects, 'data'> & { data: (Omit<ProjectData, 'attributes'> & { attributes: ProjectAttributes })[] }

function hubData({ id, name, type, region }: Hub) {
  const href = `${origin}/project/v1/hubs/${id}`
  return {
    type: 'hubs',
    id,
    attributes: { name, extension: extension(type), region },
    links: { self: { href } },
    relationships: { projects: { links: { related: { href: `${href}/projects` } } } },
  } satisfies HubData
}

function projectData({ id, name, type }: Project, hub: Hub) {
  const hubHref = `${origin}/project/v1/hubs/${hub.id}`
  const href = `${hubHref}/projects/${id}`
  const guid = id.slice('b.'.length)
  const webView = type === 'ACC' ? 'https://acc.autodesk.com/docs/files' : 'https://docs.b360.autodesk.com'
  return {
    type: 'projects' as const,
    id,
    attributes: {
      name,
      scopes: [`b360project.${guid}`],
      extension: { ...extension('projects:autodesk.bim360:Project'), data: { projectType: type } },
    },
    links: { self: { href }, webView: { href: `${webView}/projects/${guid}` } },
    relationships: {
      hub: { data: { type: 'hubs', id: hub.id }, links: { related: { href: hubHref } } },
      topFolders: { links: { related: { href: `${href}/topFolders` } } },
    },
  }
}

function extension(type: string) {
  return { type, version: '1.0', schema: { href: `${origin}/schema/v1/versions/${type}-1.0` }, data: {} }
}

/** One region that did not answer for this app, in an answer that is 200 all the same. */
function regionWarning(region: string) {
  return {
    Id: null,
    HttpStatusCode: '403',
    ErrorCode: 'BIM360DM_ERROR',
    Title: `Unable to get hubs from BIM360DM ${region}.`,
    Detail: noPermission,
    AboutLink: null,
    Source: [],
    meta: [],
  }
}
