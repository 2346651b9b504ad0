import { randomUUID } from 'node:crypto'
import type { Sql } from 'postgres'
import { connect } from '../../src/shared/db/connection.ts'
import { claimRun, finishRun, mergePage, type MergeResult, type PageToMerge } from '../../src/shared/db/sync-store.ts'
import { createTestDatabase } from '../support/database.ts'

/** One user's endpoint in a database of its own. */
export interface TestEndpoint extends AsyncDisposable {
  sql: Sql
  /** The database's. */
  url: string
  userId: string
  integrationId: string
  endpointId: string
}

/** Its provider has no webhooks, unless they are what is tested: jobs that are counted are then about syncs. */
export async function createTestEndpoint({ webhooks = false } = {}): Promise<TestEndpoint> {
  await using started = new AsyncDisposableStack()
  const database = started.use(await createTestDatabase())
  const sql = connect(database.url, 3)
  started.defer(() => sql.end())
  if (!webhooks) await sql`update patchbay.endpoint_types set has_webhooks = false`
  const userId = randomUUID()
  await sql`insert into auth.users (id, email) values (${userId}::uuid, ${`${userId}@example.com`})`
  const [integration] = await sql<{ id: string }[]>`
    insert into public.integrations (user_id, provider, account_id) values (${userId}::uuid, 'google-drive', 'account')
    returning id`
  const [endpoint] = await sql<{ id: string }[]>`
    insert into public.endpoints (name, endpoint_type, project_id, user_id, max_files_per_sync)
    values ('Test', 'google_drive', 'project', ${userId}::uuid, null)
    returning id`
  const running = started.move()
  return {
    sql,
    url: database.url,
    userId,
    integrationId: integration!.id,
    endpointId: endpoint!.id,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** A page with nothing in it, the first and last of a full pass over a whole account; `changes` says what differs. */
export function page(changes: Partial<PageToMerge> = {}): PageToMerge {
  return {
    pass: 'full',
    first: false,
    more: true,
    folders: [],
    files: [],
    removed: [],
    listed: [],
    rebuildPaths: false,
    frontier: 'folders',
    orphanPath: '/Shared with me',
    next: { token: 'next' },
    fetched: changes.files?.length ?? 0,
    requests: 1,
    bytes: 100,
    ...changes,
  }
}

export function file(
  id: string,
  parent: string | null,
  changes: Partial<PageToMerge['files'][number]> = {},
): PageToMerge['files'][number] {
  return {
    id,
    parent,
    name: `${id}.txt`,
    link: `https://files.example/${id}`,
    size: 1,
    type: 'txt',
    mime: 'text/plain',
    created: '2026-01-01T00:00:00.000Z',
    updated: '2026-01-02T00:00:00.000Z',
    metadata: {},
    ...changes,
  }
}

export function folder(
  id: string,
  parent: string | null,
  changes: Partial<PageToMerge['folders'][number]> = {},
): PageToMerge['folders'][number] {
  return { id, parent, name: id, listed: true, ...changes }
}

/** Claims a run, merges the pages, finishes it; gives each page's result. */
export async function runPages(endpoint: TestEndpoint, pages: PageToMerge[]): Promise<MergeResult[]> {
  const { sql, endpointId } = endpoint
  const claim = await claimRun(sql, endpointId)
  const results: MergeResult[] = []
  for (const one of pages) results.push(await mergePage(sql, endpointId, claim!.fence, one).result)
  await finishRun(sql, endpointId, claim!.fence, {
    status: 'completed',
    errorCode: null,
    errorMessage: null,
    requests: 0,
    bytes: 0,
    nextSyncAt: new Date(),
  })
  return results
}

/** Path by id of the endpoint's files. */
export async function paths(endpoint: TestEndpoint): Promise<Record<string, string | null>> {
  const rows = await endpoint.sql<{ external_file_id: string; file_path: string | null }[]>`
    select external_file_id, file_path from public.files where endpoint_id = ${endpoint.endpointId}::uuid order by 1`
  return Object.fromEntries(rows.map((row) => [row.external_file_id, row.file_path]))
}
