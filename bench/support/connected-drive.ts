import { randomBytes, randomUUID } from 'node:crypto'
import { connectByCode } from '../../src/shared/oauth/connect.ts'
import { handleAuthorize } from '../../src/shared/oauth/authorize.ts'
import { originOf } from '../../src/shared/oauth/origin.ts'
import { sha256 } from '../../src/shared/oauth/random.ts'
import { takeTransaction } from '../../src/shared/oauth/states.ts'
import { findProvider } from '../../src/shared/providers/registry.ts'
import type { Runtime } from '../../src/shared/runtime.ts'
import { autodeskSandbox } from '../../src/sandbox/autodesk/client.ts'
import { approveConsent } from '../../src/sandbox/consent.ts'
import type { SandboxClient } from '../../src/sandbox/client.ts'
import type { BenchDatabase, Cluster } from './cluster.ts'
import { createRuntime } from './runtime.ts'
import { startSandboxOf } from './sandbox.ts'
import type { SyncOrder } from './sync-worker.ts'

/** What is synced: all of an account that has the files. */
export interface Source {
  provider: string
  endpointType: string
  /** How an endpoint names it. */
  config: (sandboxUrl: string) => Promise<object>
}

export const googleDrive: Source = { provider: 'google-drive', endpointType: 'google_drive', config: async () => ({}) }

export const accProject: Source = {
  provider: 'autodesk',
  endpointType: 'autodesk_construction_cloud',
  config: async (sandboxUrl) => (await autodeskSandbox(sandboxUrl).firstProject()).config,
}

/** A source with files, and a project whose user has connected it and made an endpoint for all of it. Nothing is synced yet. */
export interface ConnectedDrive extends AsyncDisposable {
  sandbox: SandboxClient
  /** A project of its own, in the same state. */
  createDatabase(): Promise<BenchDatabase>
  /** What to tell a worker so that it syncs one of these projects. */
  order(database: BenchDatabase): SyncOrder
}

/** `files`: how many, at least. */
export async function connectDrive(cluster: Cluster, files: number, source = googleDrive): Promise<ConnectedDrive> {
  await using started = new AsyncDisposableStack()
  const sandbox = started.use(await startSandboxOf(files))
  const template = started.use(await cluster.createDatabase())
  const surroundings = { sandboxUrl: sandbox.url, tokenKeys: `bench:${randomBytes(32).toString('base64url')}` }
  const runtime = createRuntime({ ...surroundings, databaseUrl: template.url('postgres') })
  const endpointId = await connectAccount(runtime, source, await source.config(sandbox.url))
  const running = started.move()
  return {
    sandbox: sandbox.client,
    createDatabase: () => cluster.createDatabase(template.name),
    order: (database) => ({ ...surroundings, databaseUrl: database.url('postgres'), endpointId }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Signs a user up, connects the account by consent and code, and gives the id of an endpoint without a limit. */
async function connectAccount(runtime: Runtime, source: Source, config: object): Promise<string> {
  const { sql } = runtime
  try {
    const user = { id: randomUUID() }
    await sql`insert into auth.users (id, email) values (${user.id}::uuid, 'bench@example.com')`
    await consent(runtime, user, source.provider)
    const [endpoint] = await sql<[{ id: string }]>`
      insert into public.endpoints (name, endpoint_type, project_id, user_id, max_files_per_sync, endpoint_config)
      values ('Bench', ${source.endpointType}, 'bench', ${user.id}::uuid, null, ${JSON.stringify(config)}::text::jsonb)
      returning id`
    return endpoint.id
  } finally {
    await sql.end()
  }
}

/** The client-driven form, without the HTTP around it. */
async function consent(runtime: Runtime, user: { id: string }, provider: string): Promise<void> {
  const request = new Request('http://127.0.0.1/oauth-authorize', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ provider, flow: 'client', redirect_uri: 'http://localhost:3000/' }),
  })
  const answer = await handleAuthorize(request, runtime, user)
  const { auth_url: url, state } = (await answer.json()) as { auth_url: string; state: string }
  const callback = await approveConsent(url)
  const stateHash = await sha256(state)
  const transaction = await takeTransaction(runtime.sql, stateHash)
  if (!transaction) throw new Error('The OAuth transaction is gone.')
  const { searchParams: parameters } = new URL(callback)
  await connectByCode(runtime, findProvider(transaction.provider), {
    transaction,
    stateHash,
    parameters,
    state,
    requireIssuer: false,
    origin: originOf(request, 'oauth-callback'),
  })
}
