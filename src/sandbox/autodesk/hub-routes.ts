import type { HubData, Hubs, ProjectData, Projects } from '@aps_sdk/data-management'
import { Hono } from 'hono'
import type { ApiEnv } from './api-env.ts'
import type { AutodeskDirectory, Hub, Project } from './directory.ts'
import { badInput, closed, noPermission, notFound } from './errors.ts'
import type { Viewer } from './files/access.ts'
import { extension, origin } from './files/resources.ts'
import { pageOf, pageRequest } from './page.ts'
import type { RateLimit } from './rate-limit.ts'

const jsonapi = { version: '1.0' } as const

/** Hubs and their projects: https://aps.autodesk.com/en/docs/data/v2/reference/http */
export function hubRoutes(directory: AutodeskDirectory, limit: RateLimit): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>()
  const hubOf = (viewer: Viewer, id: string) => {
    const hub = directory.hubs(viewer).find((each) => each.id === id)
    // Whether there is no such hub, or it is somebody else's, is not said.
    if (hub === undefined) throw closed()
    return hub
  }
  const projectOf = (hub: Hub, id: string) => {
    const project = hub.projects.find((each) => each.id === id)
    if (project === undefined) throw notFound()
    return project
  }

  routes.get('/hubs', limit.count('hubs'), (c) => {
    const hubs = filtered(directory.hubs(c.var.viewer), c.req.queries())
    const page = pageRequest(c.req.query())
    if (page === undefined) throw badPage()
    // Relative, where other links are absolute.
    const { items, links } = pageOf(hubs, page, { url: '/project/v1/hubs', itemLimit: c.get('itemLimit') })
    const body = { jsonapi, links, data: items.map(hubData) } satisfies Hubs
    return c.json({ ...body, ...(hubs.length === 0 && { meta: { warnings: ['US', 'EMEA'].map(regionWarning) } }) })
  })

  routes.get('/hubs/:hub', limit.count('hub'), (c) => {
    const data = hubData(hubOf(c.var.viewer, c.req.param('hub')))
    return c.json({ jsonapi, links: data.links, data })
  })

  routes.get('/hubs/:hub/projects', limit.count('projects'), (c) => {
    const hub = hubOf(c.var.viewer, c.req.param('hub'))
    const page = pageRequest(c.req.query())
    if (page === undefined) throw badPage()
    const url = `${origin}/project/v1/hubs/${hub.id}/projects`
    const { items, links } = pageOf(hub.projects, page, { url, itemLimit: c.get('itemLimit') })
    return c.json({ jsonapi, links, data: items.map((project) => projectData(project, hub)) } satisfies ProjectList)
  })

  routes.get('/hubs/:hub/projects/:project', limit.count('project'), (c) => {
    const hub = hubOf(c.var.viewer, c.req.param('hub'))
    const data = projectData(projectOf(hub, c.req.param('project')), hub)
    return c.json({ jsonapi, links: { self: data.links.self }, data })
  })

  routes.get('/hubs/:hub/projects/:project/hub', limit.count('hub'), (c) => {
    const hub = hubOf(c.var.viewer, c.req.param('hub'))
    projectOf(hub, c.req.param('project'))
    const data = hubData(hub)
    return c.json({ jsonapi, links: data.links, data })
  })
  return routes
}

function filtered(hubs: readonly Hub[], query: Readonly<Record<string, string[]>>): Hub[] {
  const wanted = (name: string, value: string) => query[`filter[${name}]`]?.includes(value) ?? true
  return hubs.filter(({ id, name, type }) => wanted('id', id) && wanted('name', name) && wanted('extension.type', type))
}

function badPage(): Error {
  return badInput('page[number] begins at 0, and page[limit] is 1 to 200.')
}

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
    attributes: { name, extension: { ...extension(type), data: {} }, region },
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
