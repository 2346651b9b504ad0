import type { Sql } from 'postgres'
import { describe, expect, it } from 'vitest'
import { autodeskSandbox } from '../../src/sandbox/autodesk/client.ts'
import { sandboxClient, type SandboxClient, type SandboxFilesClient } from '../../src/sandbox/client.ts'
import { startSandbox } from '../../src/sandbox/server.ts'
import { connect } from '../../src/shared/db/connection.ts'
import { connectApp } from '../../src/shared/oauth/connect.ts'
import { findProvider } from '../../src/shared/providers/registry.ts'
import type { Runtime } from '../../src/shared/runtime.ts'
import { runSync } from '../../src/shared/sync/run-sync.ts'
import { addUser } from '../db/rows.ts'
import { connectByConsent } from '../oauth/connect-by-consent.ts'
import { completeEnv, createRuntime } from '../oauth/support.ts'
import { createTestDatabase } from '../support/database.ts'

const definition = findProvider('autodesk')
const pat = 'pat@example.com'

/** A project's endpoint, on a sandbox and a database of its own. */
interface ConnectedProject extends AsyncDisposable {
  sql: Sql
  runtime: Runtime
  admin: SandboxClient
  files: SandboxFilesClient
  sandboxUrl: string
  endpointId: string
  config: Record<string, unknown>
  /** The folder "Project Files". */
  rootId: string
}

describe('a project', () => {
  it('becomes rows, which follow each change, by the schedule alone', async () => {
    await using project = await startConnectedProject()
    const { files, rootId } = project
    const ids = await fill(project, 30)
    expect(await run(project)).toBe('completed')
    expect(await differences(project)).toEqual([])
    expect(await rowCount(project)).toBe(120)

    const [outer] = await files.addFolders(rootId, ['new'])
    await files.addFiles(outer!, [{ name: 'new.pdf', size: 1 }])
    await files.rename(ids.folders[0]!, 'renamed folder')
    await files.move(ids.folders[1]!, ids.folders[2]!)
    await files.trash(ids.files[0]!)
    await files.rename(ids.files[1]!, 'renamed.pdf')
    await autodeskSandbox(project.sandboxUrl).addVersion({ id: ids.files[2]!, size: 4321 })
    expect(await run(project)).toBe('completed')
    expect(await differences(project)).toEqual([])
    expect(await lastRun(project)).toMatchObject({ pass: 'full', inserted: 1n, deleted: 1n })
  })

  it('is listed whole and rewrites nothing, when nothing has changed', async () => {
    await using project = await startConnectedProject()
    await fill(project, 30)
    await run(project)
    const before = await versions(project)
    await project.admin.clearRequests()

    expect(await run(project)).toBe('completed')

    expect(await versions(project)).toEqual(before)
    expect(await lastRun(project)).toMatchObject({ fetched: 120n, unchanged: 120n, inserted: 0n, updated: 0n, deleted: 0n })
    // The top folders, then each of four folders.
    expect(await project.admin.requests()).toHaveLength(5)
  })

  it('goes on where max_files_per_sync ended it, and deletes nothing on the way', async () => {
    await using project = await startConnectedProject()
    const { sql } = project
    await fill(project, 30)
    await run(project)
    await sql`update public.endpoints set max_files_per_sync = 40`
    const outcomes: string[] = []
    while (outcomes.at(-1) !== 'completed') {
      outcomes.push(await run(project))
      expect(await rowCount(project)).toBe(120)
    }
    expect(outcomes.length).toBeGreaterThan(2)
    expect(await differences(project)).toEqual([])
  })

  it('keeps its rows when a request fails on the way, and when the project is closed to the account', async () => {
    await using project = await startConnectedProject()
    const { admin, files } = project
    const ids = await fill(project, 30)
    await run(project)
    await files.trash(ids.files[0]!)
    const failing = { type: 'error' as const, status: 503, body: { errors: [{ status: '503', code: 'BIM360DM_ERROR' }] } }
    await admin.addFault({ match: { path: '^.*/contents$' }, fault: failing, skip: 2, times: 'always' })
    expect(await run(project)).toBe('failed')
    expect(await rowCount(project)).toBe(120)
    expect(await lastRun(project)).toMatchObject({ error_code: 'provider_unavailable', deleted: 0n })

    await admin.clearFaults()
    await autodeskSandbox(project.sandboxUrl).addApp(pat, false)
    await project.sql`update patchbay.sync_state set cursor = null`
    expect(await run(project)).toBe('failed')
    expect(await rowCount(project)).toBe(120)
    expect(await lastRun(project)).toMatchObject({ error_code: 'provider_forbidden', deleted: 0n })

    await autodeskSandbox(project.sandboxUrl).addApp(pat, true)
    expect(await run(project)).toBe('completed')
    expect(await differences(project)).toEqual([])
  })

  it('is changed by what webhooks name, one by one, without a pass', async () => {
    await using project = await startConnectedProject()
    const { sql, files, rootId, admin, endpointId } = project
    const ids = await fill(project, 30)
    await run(project)
    const [outer] = await files.addFolders(rootId, ['outer'])
    const [inner] = await files.addFolders(outer!, ['inner'])
    const [added] = await files.addFiles(inner!, [{ name: 'added.pdf', size: 9 }])
    await files.trash(ids.files[0]!)
    await files.rename(ids.files[1]!, 'renamed.pdf')
    await sql`select patchbay.add_targets(${endpointId}::uuid, array[${added!}, ${ids.files[0]!}, ${ids.files[1]!}])`
    await admin.clearRequests()

    expect(await runTargets(project)).toBe('completed')

    expect(await differences(project)).toEqual([])
    expect(await sql`select file_path from public.files where external_file_id = ${added!}`).toEqual([
      { file_path: '/Project Files/outer/inner/added.pdf' },
    ])
    // Three items and two new folders.
    expect(await admin.requests()).toHaveLength(5)
    expect(await sql`select 1 from patchbay.targets`).toEqual([])
    // And the next pass finds nothing to do.
    const before = await versions(project)
    await run(project)
    expect(await versions(project)).toEqual(before)
  })

  it('is walked by its schedule also when an item that a webhook named cannot be fetched', async () => {
    await using project = await startConnectedProject()
    const { sql, files, rootId, admin, endpointId } = project
    const ids = await fill(project, 3)
    await run(project)
    await files.addFiles(rootId, [{ name: 'added.pdf', size: 9 }])
    const failing = { type: 'server-error' as const, status: 500 as const }
    await admin.addFault({ match: { path: '^.*/items/[^/]+$' }, fault: failing, times: 'always' })
    await sql`select patchbay.add_targets(${endpointId}::uuid, array[${ids.files[0]!}])`

    expect(await run(project)).toBe('completed')
    expect(await differences(project)).toEqual([])
    expect(await sql`select due_at > now() + interval '10 minutes' as later from patchbay.targets`).toEqual([{ later: true }])

    await admin.clearFaults()
    expect(await runTargets(project)).toBe('completed')
    expect(await sql`select 1 from patchbay.targets`).toEqual([])
  })

  it('fetches the others, when the answer about one item cannot be read', async () => {
    await using project = await startConnectedProject()
    const { sql, files, admin, endpointId } = project
    const ids = await fill(project, 3)
    await run(project)
    await files.rename(ids.files[0]!, 'renamed.pdf')
    const unknown = { type: 'error' as const, status: 200, body: { data: { type: 'new' } } }
    await admin.addFault({ match: { path: '^.*/items/[^/]+$' }, fault: unknown, skip: 1, times: 1 })
    await sql`select patchbay.add_targets(${endpointId}::uuid, array[${ids.files[0]!}, ${ids.files[1]!}])`
    expect(await runTargets(project)).toBe('completed')
    expect(await sql`select 1 from patchbay.targets`).toEqual([])
    expect(await run(project)).toBe('completed')
    expect(await differences(project)).toEqual([])
  })
})

it('works as the seed says, with the app itself', async () => {
  await using project = await startConnectedProject({ asApp: true })
  await fill(project, 3)
  expect(await run(project)).toBe('completed')
  expect(await differences(project)).toEqual([])
})

async function startConnectedProject({ asApp = false } = {}): Promise<ConnectedProject> {
  await using started = new AsyncDisposableStack()
  const sandbox = started.use(await startSandbox())
  const database = started.use(await createTestDatabase())
  const sql = connect(database.url, 3)
  started.defer(() => sql.end())
  const runtime = createRuntime(
    sql,
    {
      ...completeEnv(),
      SUPABASE_DB_URL: database.url,
      CONNECTOR_SANDBOX_URL: sandbox.url,
      CONNECTOR_AUTODESK_CLIENT_ID: 'sandbox-client',
      CONNECTOR_AUTODESK_CLIENT_SECRET: 'sandbox-secret',
    },
    { sleep: async () => {} },
  )
  const userId = await addUser(sql)
  if (asApp) await connectApp(runtime, definition, userId)
  else await connectByConsent(runtime, definition, { userId, person: pat, account: { id: 'account', label: pat } })

  const admin = sandboxClient(sandbox.url)
  const files = admin.files('autodesk_construction_cloud')
  const { config: given, rootId } = await files.createTree(pat, 'Tower')
  const config = asApp ? { client_id: 'sandbox-client', project_id: given['project_id'] } : given
  const [endpoint] = await sql<[{ id: string }]>`
    insert into public.endpoints (name, endpoint_type, project_id, user_id, endpoint_config)
    values ('Project 0001', 'autodesk_construction_cloud', 'project_0001', ${userId}::uuid, ${JSON.stringify(config)}::text::jsonb)
    returning id`
  const running = started.move()
  return {
    sql,
    runtime,
    admin,
    files,
    config,
    rootId,
    sandboxUrl: sandbox.url,
    endpointId: endpoint.id,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** `each` files in "Project Files", and in each of three folders in it. */
async function fill({ files, rootId }: ConnectedProject, each: number): Promise<{ folders: string[]; files: string[] }> {
  const some = (prefix: string) => Array.from({ length: each }, (_, index) => ({ name: `${prefix} ${index}.pdf`, size: index }))
  const folders = await files.addFolders(rootId, ['a', 'b', 'c'])
  for (const [index, folder] of folders.entries()) await files.addFiles(folder, some(`sheet ${index}`))
  return { folders, files: await files.addFiles(rootId, some('plan')) }
}

function run({ runtime, endpointId }: ConnectedProject): Promise<string> {
  return runSync(runtime, endpointId, { deadline: Number.POSITIVE_INFINITY, pages: 1000 })
}

function runTargets({ runtime, endpointId }: ConnectedProject): Promise<string> {
  return runSync(runtime, endpointId, { deadline: Number.POSITIVE_INFINITY, pages: 1000 }, { targetsOnly: true })
}

/** How the rows differ from the project's files: nothing is an empty list. */
async function differences({ sql, files, rootId }: ConnectedProject): Promise<string[]> {
  const line = (...parts: unknown[]) => parts.join(' ')
  const truth = (await files.list(rootId)).map(({ id, path, size, created, modified }) =>
    line(id, `/Project Files${path}`, size, Date.parse(created), Date.parse(modified)),
  )
  const rows = await sql`
    select external_file_id as id, file_path, file_size,
      (extract(epoch from external_created_at) * 1000)::float8 as created,
      (extract(epoch from external_updated_at) * 1000)::float8 as updated
    from public.files`
  const stored = rows.map((row) => line(row['id'], row['file_path'], row['file_size'], row['created'], row['updated']))
  const only = (some: string[], others: string[], what: string) => {
    const known = new Set(others)
    return some.filter((text) => !known.has(text)).map((text) => `${what}: ${text}`)
  }
  return [...only(truth, stored, 'missing'), ...only(stored, truth, 'not at the provider')]
}

async function lastRun({ sql }: ConnectedProject): Promise<unknown> {
  const [row] = await sql`select * from public.sync_logs order by started_at desc limit 1`
  return row
}

async function rowCount({ sql }: ConnectedProject): Promise<number> {
  const [row] = await sql<[{ count: number }]>`select count(*)::int from public.files`
  return row.count
}

/** The physical version of each row: a row that is not written keeps it. */
async function versions({ sql }: ConnectedProject): Promise<unknown> {
  return [...(await sql`select external_file_id, concat(xmin, ctid) as version from public.files order by 1`)]
}
