import { randomUUID } from 'node:crypto'
import { Hono, type Context } from 'hono'
import { z } from 'zod'
import type { SandboxClock } from '../../clock.ts'
import { requireScope, type ApiEnv } from '../api-env.ts'
import type { AutodeskDirectory } from '../directory.ts'
import { AutodeskProblem, gatewayError } from '../errors.ts'
import { canSee } from '../files/access.ts'
import type { Folder } from '../files/entries.ts'
import type { FileStore } from '../files/file-store.ts'
import { origin } from '../files/resources.ts'
import { hookDetails, hookPath } from './hook-details.ts'
import { hookEvents, type Hook, type HookEvent, type HookStore } from './hook-store.ts'

const regions = ['US', 'EMEA', 'AUS', 'CAN', 'DEU', 'IND', 'JPN', 'GBR']
const mostAttributeBytes = 1024
const pageSize = 200

const attribute = z
  .record(z.string(), z.unknown())
  .refine((value) => JSON.stringify(value).length < mostAttributeBytes, 'A hookAttribute has less than 1 KB.')
const expiry = z.iso.datetime({ offset: true }).nullable()
// What is not simulated, such as a filter, is refused and not left out.
const NewHook = z.strictObject({
  callbackUrl: z.url({ protocol: /^https?$/ }),
  scope: z.strictObject({ folder: z.string() }),
  hookAttribute: attribute.optional(),
  hookExpiry: expiry.default(null),
  autoReactivateHook: z.boolean().default(false),
  token: z.string().min(1).optional(),
  hubId: z.string().optional(),
  projectId: z.string().optional(),
})
const HookPatch = z.strictObject({
  status: z.enum(['active', 'inactive']).optional(),
  hookAttribute: attribute.optional(),
  hookExpiry: expiry.optional(),
  autoReactivateHook: z.boolean().optional(),
  token: z.string().min(1).optional(),
})

interface WebhookParts {
  directory: AutodeskDirectory
  files: FileStore
  hooks: HookStore
  clock: SandboxClock
}

/** Webhooks of the system `data`, one event each: https://aps.autodesk.com/en/docs/webhooks/v1/reference/http/webhooks */
export function webhookRoutes({ directory, files, hooks, clock }: WebhookParts): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>()
  const mayRead = requireScope('data:read')
  const mayWrite = requireScope('data:write', 'data:create')

  routes.post('/systems/data/events/:event/hooks', mayRead, mayWrite, async (c) => {
    const event = readEvent(c.req.param('event'))
    const region = readRegion(c)
    const { callbackUrl, scope, token = null, hookAttribute, hookExpiry, autoReactivateHook } = await readBody(c, NewHook)
    const folder = findFolder(c, scope.folder, region)
    const creator = creatorOf(c)
    const now = clock.now()
    const hook: Hook = {
      hookId: randomUUID(),
      event,
      callbackUrl,
      folder: folder.id,
      region,
      token,
      hookExpiry,
      autoReactivateHook,
      ...(hookAttribute !== undefined && { hookAttribute }),
      ...creator,
      status: 'active',
      created: now,
      updated: now,
    }
    const same = (each: Hook) => each.callbackUrl === callbackUrl && each.folder === folder.id && each.event === event
    if (mine(c, region).some(same)) throw problem(409, 'There is a webhook with this event, scope and callback URL.')
    hooks.add(hook)
    return c.body(null, 201, { location: `${origin}/webhooks/v1${hookPath(hook)}` })
  })

  routes.get('/systems/data/events/:event/hooks', mayRead, (c) => {
    const event = readEvent(c.req.param('event'))
    return list(
      c,
      mine(c, readRegion(c)).filter((hook) => hook.event === event),
    )
  })
  for (const path of ['/systems/data/hooks', '/hooks'] as const) routes.get(path, mayRead, (c) => list(c, mine(c, readRegion(c))))

  routes.get('/systems/data/events/:event/hooks/:id', mayRead, (c) => c.json(hookDetails(findHook(c, c.req.param()))))

  routes.patch('/systems/data/events/:event/hooks/:id', mayRead, mayWrite, async (c) => {
    const hook = findHook(c, c.req.param())
    const { status, ...changes } = await readBody(c, HookPatch)
    const set = Object.entries(changes).filter(([, value]) => value !== undefined)
    hooks.update(hook, { ...Object.fromEntries(set), ...(status !== undefined && { status: nextStatus(hook, status) }) })
    return c.body(null, 200)
  })

  routes.delete('/systems/data/events/:event/hooks/:id', mayRead, mayWrite, (c) => {
    hooks.remove(findHook(c, c.req.param()))
    return c.body(null, 204)
  })
  return routes

  /** What the app has for this person, or for itself, in a region. */
  function mine(c: Context<ApiEnv>, region: string): Hook[] {
    const { clientId, createdBy } = creatorOf(c)
    return hooks.all().filter((hook) => hook.clientId === clientId && hook.createdBy === createdBy && hook.region === region)
  }

  function findHook(c: Context<ApiEnv>, { event, id }: { event: string; id: string }): Hook {
    const hook = mine(c, readRegion(c)).find(({ hookId }) => hookId === id)
    if (hook === undefined || hook.event !== event) throw problem(404, 'There is no such webhook in this region.')
    return hook
  }

  function creatorOf(c: Context<ApiEnv>): Pick<Hook, 'clientId' | 'createdBy' | 'creatorType'> {
    const { account, clientId } = c.var.token
    const app = clientId ?? ''
    if (account === null) return { clientId: app, createdBy: app, creatorType: 'Application' }
    return { clientId: app, createdBy: directory.person(account).account.id, creatorType: 'O2User' }
  }

  function findFolder(c: Context<ApiEnv>, id: string, region: string): Folder {
    const folder = files.find(id)
    if (folder?.kind !== 'folders') throw problem(404, 'There is no such folder.')
    const { hub } = folder.tree
    const open = directory.hubs(c.var.viewer).includes(hub) && canSee(folder, c.var.viewer)
    // The service of a region knows the folders of that region only.
    if (open && hub.region === region) return folder
    throw new AutodeskProblem(gatewayError(403, 'AUTH-001', 'The client_id specified does not have access to the api product'))
  }

  function list(c: Context<ApiEnv>, all: readonly Hook[]): Response {
    const { status, pageState = '0' } = c.req.query()
    const wanted = all.filter((hook) => status === undefined || (hook.status === 'inactive') === (status === 'inactive'))
    const start = Number(pageState)
    const end = start + Math.min(pageSize, c.get('itemLimit') ?? pageSize)
    if (wanted.length === 0) return c.body(null, 204)
    const links =
      end < wanted.length
        ? { next: `${c.req.path.slice(c.req.path.indexOf('/webhooks/v1') + '/webhooks/v1'.length)}?pageState=${end}` }
        : {}
    return c.json({ links, data: wanted.slice(start, end).map(hookDetails) })
  }
}

/** One that had been given up begins anew. */
function nextStatus(hook: Hook, wanted: 'active' | 'inactive'): Hook['status'] {
  return wanted === 'active' && hook.status === 'inactive' ? 'reactivated' : wanted
}

function readEvent(name: string): HookEvent {
  const event = hookEvents.find((each) => each === name)
  if (event === undefined) throw problem(404, `The event ${name} is unknown, or not simulated.`)
  return event
}

function readRegion(c: Context<ApiEnv>): string {
  const region = c.req.header('x-ads-region') ?? c.req.query('region') ?? 'US'
  if (!regions.includes(region)) throw problem(400, 'The region is unknown.')
  return region
}

async function readBody<Schema extends z.ZodType>(c: Context<ApiEnv>, schema: Schema): Promise<z.output<Schema>> {
  const body: unknown = await c.req.json().catch(() => undefined)
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw problem(400, z.prettifyError(parsed.error))
  return parsed.data
}

function problem(status: number, detail: string): AutodeskProblem {
  return new AutodeskProblem({ status, body: { id: randomUUID(), status, detail: [detail] } })
}
