import type { Sql } from 'postgres'
import { connect } from '../../src/shared/db/connection.ts'
import { findProvider } from '../../src/shared/providers/registry.ts'
import type { Runtime } from '../../src/shared/runtime.ts'
import { type SandboxOptions, startSandbox } from '../../src/sandbox/server.ts'
import { addUser } from '../db/rows.ts'
import { connectByConsent } from '../oauth/connect-by-consent.ts'
import { completeEnv, createRuntime } from '../oauth/support.ts'
import { createTestDatabase } from './database.ts'

/** A Drive endpoint whose account is connected, on a sandbox and a database of its own. It is due, and nothing works on it yet. */
export interface ConnectedDrive extends AsyncDisposable {
  sandboxUrl: string
  databaseUrl: string
  sql: Sql
  runtime: Runtime
  userId: string
  integrationId: string
  endpointId: string
  /** The environment of a worker. */
  env: Record<string, string>
  /** The person connects the same account again. */
  reconnect: () => Promise<void>
}

export async function startConnectedDrive(options: SandboxOptions = {}): Promise<ConnectedDrive> {
  await using started = new AsyncDisposableStack()
  const sandbox = started.use(await startSandbox(options))
  const database = started.use(await createTestDatabase())
  const sql = connect(database.url, 3)
  started.defer(() => sql.end())
  const env = {
    ...completeEnv(),
    SUPABASE_DB_URL: database.url,
    CONNECTOR_SANDBOX_URL: sandbox.url,
    GOOGLE_CLIENT_ID: 'sandbox-client',
    GOOGLE_CLIENT_SECRET: 'sandbox-secret',
    GOOGLE_REDIRECT_URI: 'http://127.0.0.1:1/callback',
  }
  const runtime = createRuntime(sql, env)
  // They have tests of their own: jobs and requests that are counted here are then about syncs.
  await sql`update patchbay.endpoint_types set has_webhooks = false`
  const userId = await addUser(sql)
  const integrationId = await connectDrive(runtime, userId)
  const [endpoint] = await sql<[{ id: string }]>`
    insert into public.endpoints (name, endpoint_type, project_id, user_id, max_files_per_sync)
    values ('Test', 'google_drive', 'project', ${userId}::uuid, null)
    returning id`
  const running = started.move()
  return {
    sandboxUrl: sandbox.url,
    databaseUrl: database.url,
    sql,
    runtime,
    userId,
    integrationId,
    endpointId: endpoint.id,
    env,
    reconnect: async () => void (await connectDrive(runtime, userId)),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function connectDrive(runtime: Runtime, userId: string): Promise<string> {
  const account = { id: 'account', label: 'pat@example.com' }
  return connectByConsent(runtime, findProvider('google-drive'), { userId, account })
}
