import { randomInt } from 'node:crypto'
import type { Sql } from 'postgres'
import { sandboxClient, type SandboxClient } from '../../src/sandbox/client.ts'
import { startSandbox } from '../../src/sandbox/server.ts'
import { connect } from '../../src/shared/db/connection.ts'
import { providers } from '../../src/shared/providers/registry.ts'
import type { Runtime } from '../../src/shared/runtime.ts'
import { addEndpoint, addUser } from '../db/rows.ts'
import { connectByConsent } from '../oauth/connect-by-consent.ts'
import { completeEnv, createRuntime } from '../oauth/support.ts'
import { registration } from '../suites/scene.ts'
import { createTestDatabase } from '../support/database.ts'

/** A tree at a provider, and the endpoint that has to show it. */
export interface Tree {
  endpointId: string
  endpointType: string
  rootId: string
  folders: string[]
  files: string[]
  trashed: string[]
}

export interface ChaosStage extends AsyncDisposable {
  sql: Sql
  sandbox: SandboxClient
  trees: Tree[]
  /** The environment of the worker with this name, which its database connections carry. */
  env: (worker: string) => Record<string, string>
}

const users = 10
const foldersATree = 3
const filesAFolder = 6

/** So many endpoints, of every type that syncs files, for ten users, on one sandbox and one database. Nothing works on them yet. */
export async function openChaosStage(endpoints: number): Promise<ChaosStage> {
  await using started = new AsyncDisposableStack()
  const server = await startSandbox()
  started.defer(() => server.close())
  const database = started.use(await createTestDatabase())
  const sql = connect(database.url, 6)
  started.defer(() => sql.end())
  const env = {
    ...completeEnv(),
    ...Object.assign({}, ...providers.map(registration)),
    SUPABASE_DB_URL: database.url,
    CONNECTOR_SANDBOX_URL: server.url,
    CONNECTOR_WEBHOOKS: 'off',
    CONNECTOR_MAX_CONCURRENT_SYNCS: '6',
  } as Record<string, string>
  const sandbox = sandboxClient(server.url)
  // Small pages, so that a run has many moments to be killed at.
  await sandbox.addFault({ fault: { type: 'short-page', items: 3 }, times: 'always', match: { method: 'GET' } })
  await recordRuns(sql)
  const trees = await plant(createRuntime(sql, env), sandbox, endpoints)
  const running = started.move()
  return {
    sql,
    sandbox,
    trees,
    env: (worker) => ({ ...env, SUPABASE_DB_URL: `${database.url}?application_name=${worker}` }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

async function plant(runtime: Runtime, sandbox: SandboxClient, endpoints: number): Promise<Tree[]> {
  const types = providers.flatMap((definition) => Object.keys(definition.streams).map((type) => ({ definition, type })))
  const trees: Tree[] = []
  for (let user = 0; user < users; user += 1) {
    const userId = await addUser(runtime.sql)
    for (const { definition, type } of types) {
      // The first two: a sandbox may have people besides whose company does not let apps in.
      const account = (await sandbox.control(definition.id).accounts())[user % 2]!
      const integrationId = await connectByConsent(runtime, definition, { userId, person: account.name, account })
      for (let number = 0; number < endpoints / users / types.length; number += 1) {
        const name = `tree ${user} ${type} ${number}`
        const { config, rootId } = await sandbox.files(type).createTree(account.name, name)
        const tree = { endpointType: type, rootId, folders: [rootId], files: [] as string[], trashed: [] as string[] }
        const names = Array.from({ length: foldersATree }, (_, index) => `folder ${index}`)
        tree.folders.push(...(await sandbox.files(type).addFolders(rootId, names)))
        for (const folder of tree.folders) {
          const files = Array.from({ length: filesAFolder }, (_, index) => ({ name: `file ${index}.txt`, size: index }))
          tree.files.push(...(await sandbox.files(type).addFiles(folder, files)))
        }
        const columns = { name, endpoint_type: type, endpoint_config: config, integration_id: integrationId }
        trees.push({ ...tree, endpointId: await addEndpoint(runtime.sql, userId, columns) })
      }
    }
  }
  return trees
}

/** A person does something with a tree, anything. */
export async function changeSomething(sandbox: SandboxClient, trees: readonly Tree[]): Promise<Tree> {
  const tree = pick(trees)!
  const files = sandbox.files(tree.endpointType)
  const file = pick(tree.files)
  const name = `renamed ${randomInt(1_000_000)}.txt`
  switch (file === undefined ? 'add' : pick(['add', 'rename', 'move', 'trash', 'restore', 'folder'])) {
    case 'rename':
      await files.rename(file!, name)
      break
    case 'move':
      await files.move(file!, pick(tree.folders)!)
      break
    case 'trash':
      await files.trash(file!)
      tree.files.splice(tree.files.indexOf(file!), 1)
      tree.trashed.push(file!)
      break
    case 'restore': {
      const back = tree.trashed.pop()
      if (back === undefined) break
      await files.restore(back)
      tree.files.push(back)
      break
    }
    case 'folder':
      await files.rename(pick(tree.folders.slice(1))!, name)
      break
    default:
      tree.files.push(...(await files.addFiles(pick(tree.folders)!, [{ name, size: 5 }])))
  }
  return tree
}

/** How the rows of an endpoint differ from the provider's files: no difference is an empty list. An endpoint may show folders above its tree. */
export async function differences(sql: Sql, sandbox: SandboxClient, tree: Tree): Promise<string[]> {
  const truth = new Map((await sandbox.files(tree.endpointType).list(tree.rootId)).map((file) => [file.id, file]))
  const rows = await sql<{ id: string; path: string; size: bigint | null }[]>`
    select external_file_id as id, file_path as path, file_size as size from public.files
    where endpoint_id = ${tree.endpointId}::uuid`
  const found: string[] = []
  for (const { id, path, size } of rows) {
    const file = truth.get(id)
    truth.delete(id)
    if (file === undefined) found.push(`${path}: no longer at the provider`)
    else if (!path.endsWith(file.path) || Number(size) !== file.size)
      found.push(`${path} (${size}): is ${file.path} (${file.size})`)
  }
  return [...found, ...[...truth.values()].map(({ path }) => `${path}: missing`)].map((text) => `${tree.endpointType} ${text}`)
}

/** What a worker did to an endpoint's run, as the database saw it; the row is locked meanwhile, so that `id` is the order. */
export interface RunEvent {
  id: number
  endpoint_id: string
  fence: number
  event: 'claim' | 'write' | 'finish'
  worker: string
  at: number
}

async function recordRuns(sql: Sql): Promise<void> {
  await sql.unsafe(`
    create schema chaos;
    create table chaos.events (
      id bigint generated always as identity, endpoint_id uuid, fence bigint, event text, worker text,
      at timestamptz default clock_timestamp()
    );
    create function chaos.record() returns trigger language plpgsql set search_path = '' as $$
    begin
      insert into chaos.events (endpoint_id, fence, event, worker) values (
        new.endpoint_id, new.fence,
        case
          when tg_op = 'INSERT' or new.fence > old.fence then 'claim'
          when new.run_id is null and old.run_id is not null then 'finish'
          else 'write'
        end,
        pg_catalog.current_setting('application_name')
      );
      return null;
    end
    $$;
    create trigger record after insert or update on patchbay.sync_state for each row execute function chaos.record();
  `)
}

export async function runEvents(sql: Sql): Promise<RunEvent[]> {
  return sql<RunEvent[]>`
    select id::int, endpoint_id, fence::int, event, worker, (extract(epoch from at) * 1000)::float8 as at
    from chaos.events order by id`
}

/**
 * What shows that a run was in two hands at once: something written by another worker than the one that claimed it last, or a run taken
 * over from a worker that was not dead. `killedAt`: when a worker was killed, in milliseconds since the epoch.
 */
export function runsTwiceAtOnce(events: readonly RunEvent[], killedAt: ReadonlyMap<string, number>): string[] {
  return [...Map.groupBy(events, ({ endpoint_id }) => endpoint_id).values()].flatMap((own) => {
    let held: RunEvent | undefined
    return own.flatMap((event) => {
      const before = held
      if (event.event === 'claim') held = event
      if (event.event === 'finish') held = undefined
      if (before === undefined) return event.event === 'claim' ? [] : [describe('wrote without a claim', event)]
      if (event.event !== 'claim') {
        const own = event.worker === before.worker && event.fence === before.fence
        return own ? [] : [describe(`wrote what ${before.worker} has`, event)]
      }
      const dead = (killedAt.get(before.worker) ?? Number.POSITIVE_INFINITY) <= event.at
      return dead ? [] : [describe(`took what ${before.worker} was at`, event)]
    })
  })
}

function describe(what: string, { worker, endpoint_id, fence }: RunEvent): string {
  return `${worker} ${what}: ${endpoint_id}, fence ${fence}`
}

function pick<T>(items: readonly T[]): T | undefined {
  return items.length === 0 ? undefined : items[randomInt(items.length)]
}
