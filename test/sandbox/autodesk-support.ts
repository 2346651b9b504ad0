import { z } from 'zod'
import { autodeskSandbox } from '../../src/sandbox/autodesk/client.ts'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { approveConsent } from '../../src/sandbox/consent.ts'
import { startSandbox, type SandboxOptions } from '../../src/sandbox/server.ts'

const host = 'developer.api.autodesk.com'
const basic = `Basic ${Buffer.from('sandbox-client:sandbox-secret').toString('base64')}`
const redirectUri = 'http://127.0.0.1:9999/callback'
const allScopes = 'data:read data:write data:create'

const Token = z.object({ access_token: z.string() })
const Resource = z.looseObject({
  type: z.string(),
  id: z.string(),
  attributes: z.looseObject({ name: z.string().optional(), displayName: z.string().optional(), hidden: z.boolean().optional() }),
})
type Resource = z.infer<typeof Resource>
const Page = z.object({
  data: z.array(Resource),
  included: z.array(Resource).default([]),
  links: z.object({ next: z.object({ href: z.string() }).optional() }),
})

interface Sent {
  method?: string
  headers?: Record<string, string>
  json?: unknown
}

interface Answer {
  status: number
  body: unknown
  headers: Headers
}

/** A sandbox with an app that may read and change files; `fetch` sees what goes over the wire. */
export async function openAutodesk({ fetch: send = fetch, ...options }: SandboxOptions & { fetch?: typeof fetch } = {}) {
  const sandbox = await startSandbox(options)
  const { url } = sandbox
  const admin = sandboxClient(url)

  const token = async (form: Record<string, string>): Promise<string> => {
    const init = { method: 'POST', headers: { authorization: basic }, body: new URLSearchParams(form) }
    const answer = await fetch(`${url}/${host}/authentication/v2/token`, init)
    return Token.parse(await answer.json()).access_token
  }
  /** A token of the app itself. */
  const appToken = (scope = allScopes) => token({ grant_type: 'client_credentials', scope })
  /** A token of a person; without a name, of Pat. */
  const personToken = async (account?: string) => {
    const query = { client_id: 'sandbox-client', redirect_uri: redirectUri, response_type: 'code', state: 's', scope: allScopes }
    const page = `${url}/${host}/authentication/v2/authorize?${new URLSearchParams(query).toString()}`
    const callback = await approveConsent(page, account === undefined ? {} : { account })
    const code = new URL(callback).searchParams.get('code') ?? ''
    return token({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
  }

  const request = async (bearer: string, path: string, { json, headers, ...init }: Sent = {}): Promise<Answer> => {
    // Links are absolute or relative.
    const { pathname, search } = new URL(path, `https://${host}`)
    const answer = await send(`${url}/${host}${pathname}${search}`, {
      ...init,
      headers: {
        authorization: `Bearer ${bearer}`,
        ...(json !== undefined && { 'content-type': 'application/vnd.api+json' }),
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text), headers: answer.headers }
  }
  /** All pages of a list, by its links. */
  const list = async (bearer: string, path: string): Promise<{ pages: number; data: Resource[]; included: Resource[] }> => {
    const found = { pages: 0, data: [] as Resource[], included: [] as Resource[] }
    for (let next: string | undefined = path; next !== undefined;) {
      const page: z.infer<typeof Page> = Page.parse((await request(bearer, next)).body)
      found.pages += 1
      found.data.push(...page.data)
      found.included.push(...page.included)
      next = page.links.next?.href
    }
    return found
  }
  return {
    ...sandbox,
    admin,
    appToken,
    personToken,
    request,
    list,
    autodesk: autodeskSandbox(url),
    files: admin.files('autodesk_construction_cloud'),
  }
}

export type OpenAutodesk = Awaited<ReturnType<typeof openAutodesk>>

/** A new project of Pat's, with a token of hers. */
export async function openProject(options?: Parameters<typeof openAutodesk>[0]) {
  const autodesk = await openAutodesk(options)
  const bearer = await autodesk.personToken()
  const { config, rootId } = await autodesk.files.createTree('pat@example.com', 'Tower')
  const { project_id, hub_id } = z.object({ project_id: z.string(), hub_id: z.string() }).parse(config)
  const base = `/data/v1/projects/${project_id}`
  const contents = (id: string, query = '') => `${base}/folders/${encodeURIComponent(id)}/contents${query}`
  return { ...autodesk, bearer, rootId, projectId: project_id, hubId: hub_id, base, contents }
}
