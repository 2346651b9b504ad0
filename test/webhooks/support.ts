import type { Sql } from 'postgres'
import { dispatch } from '../../src/shared/db/sync-store.ts'
import { decryptFor, webhookOwner } from '../../src/shared/oauth/vault.ts'
import { providers } from '../../src/shared/providers/registry.ts'
import { startTestApi, type TestApi, type TestUser } from '../api/support.ts'
import { addEndpoint } from '../db/rows.ts'

/** Every kind of endpoint whose provider tells of changes. */
export const watchedTypes = providers.flatMap(({ id, streams }) =>
  Object.entries(streams).flatMap(([endpointType, { webhooks }]) => (webhooks ? [{ endpointType, provider: id }] : [])),
)

/** An account at the provider, with an endpoint on a tree of its own, and the functions that the sandbox delivers to. */
export interface Watched extends AsyncDisposable {
  api: TestApi
  sql: Sql
  user: TestUser
  provider: string
  integrationId: string
  endpointId: string
  /** The root folder of its tree, at the provider. */
  rootId: string
  /** One tick of the scheduler, and all jobs that it leads to. */
  tick: () => Promise<void>
  /** All rows, whatever their state. */
  hooks: () => Promise<Hook[]>
  /** Adds a file at the provider, waits until everybody has been told, and works that off. No tick: the schedule finds nothing. */
  addFile: (name: string, parentId?: string) => Promise<void>
  /** The names of the endpoint's files. */
  files: () => Promise<string[]>
}

export interface Hook {
  id: string
  endpoint_id: string | null
  plan_key: string
  state: string
  last_error_code: string | null
}

export async function startWatched(
  { endpointType, provider }: { endpointType: string; provider: string },
  changes: Parameters<typeof startTestApi>[0] = {},
): Promise<Watched> {
  await using started = new AsyncDisposableStack()
  const api = started.use(await startTestApi(changes))
  const { sql, sandbox } = api
  await sql`update pgboss.queue set retry_delay = 0, retry_backoff = false`
  const user = await api.signUp()
  const [account] = await sandbox.control(provider).accounts()
  const files = sandbox.files(endpointType)
  const { config, rootId } = await files.createTree(account!.name, 'Plans')
  const integrationId = await api.connect(user, provider, { account: account!.name })
  const endpointId = await addEndpoint(sql, user.id, {
    endpoint_type: endpointType,
    endpoint_config: config,
    integration_id: integrationId,
    max_files_per_sync: null,
  })
  const running = started.move()
  return {
    api,
    sql,
    user,
    provider,
    integrationId,
    endpointId,
    rootId,
    tick: async () => {
      await dispatch(sql)
      await api.runJobs()
    },
    hooks: async () => [
      ...(await sql<Hook[]>`
        select id, endpoint_id, plan_key, state, last_error_code from patchbay.webhooks order by plan_key, created_at`),
    ],
    addFile: async (name, parentId = rootId) => {
      await files.addFiles(parentId, [{ name }])
      await sandbox.deliveries.settled()
      await api.runJobs()
    },
    files: async () => {
      const rows = await sql<{ file_name: string }[]>`
        select file_name from public.files where endpoint_id = ${endpointId}::uuid order by file_name`
      return rows.map((row) => row.file_name)
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** The user ends the connection, through the API. */
export async function disconnect({ api, user, provider }: Watched): Promise<void> {
  const { status } = await api.call(`integrations/${provider}/disconnect`, { user, body: {} })
  if (status !== 200) throw new Error(`disconnect answered ${status}`)
}

/** What deliveries to the hooks prove themselves with. */
export async function hookSecrets({ sql, api }: Pick<Watched, 'sql' | 'api'>): Promise<Record<string, string>> {
  const rows = await sql<{ id: string; secret_jwe: string }[]>`select id, secret_jwe from patchbay.webhooks`
  const entries = rows.map(async ({ id, secret_jwe }) => {
    return [id, await decryptFor(webhookOwner(id), secret_jwe, api.runtime.config.tokenKeys)] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}
