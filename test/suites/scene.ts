import type { Sql } from 'postgres'
import { sandboxClient, type SandboxClient, type SandboxControlClient } from '../../src/sandbox/client.ts'
import type { Fault, SandboxAccount } from '../../src/sandbox/admin-contract.ts'
import { startSandbox } from '../../src/sandbox/server.ts'
import { readConfig } from '../../src/shared/config.ts'
import { connect } from '../../src/shared/db/connection.ts'
import { dispatch } from '../../src/shared/db/sync-store.ts'
import { drain } from '../../src/shared/jobs/drain.ts'
import { createJobQueue } from '../../src/shared/jobs/queue.ts'
import { createProviderApi, type ProviderApi } from '../../src/shared/http/provider-api.ts'
import { settleRefreshes, tokenSource } from '../../src/shared/oauth/tokens.ts'
import type { TokenSource } from '../../src/shared/oauth/token-source.ts'
import { fillAddress } from '../../src/shared/providers/address.ts'
import type { ListItem, ProviderDefinition } from '../../src/shared/providers/define.ts'
import { listItems } from '../../src/shared/providers/lists.ts'
import type { Runtime } from '../../src/shared/runtime.ts'
import { completeEnv, createRuntime } from '../oauth/support.ts'
import { refreshTokens } from '../../src/shared/oauth/client.ts'
import { readSecret } from '../../src/shared/oauth/secret-store.ts'
import { decryptFor, secretOwner } from '../../src/shared/oauth/vault.ts'
import { startAuthServer, type AuthServer } from './auth-server.ts'
import { Exchanges } from './exchanges.ts'
import { Person, app } from './person.ts'

/** What one provider's scenarios share: a database, users, and what was said on stage. */
export interface Stage extends AsyncDisposable {
  definition: ProviderDefinition
  databaseUrl: string
  sql: Sql
  auth: AuthServer
  /** What our code sent to the provider, and what it was answered. */
  exchanges: Exchanges
  /** Every code and token that the provider gave so far. */
  secrets: Set<string>
  /** Log lines, and answers of our functions. */
  said: string[]
  openScene(): Promise<Scene>
}

/** One connection, as a scenario finds it. Times are milliseconds since the epoch; null is never. */
export interface Secret {
  version: bigint
  expiresAt: number | null
  /** Whether there is a refresh token. */
  refreshable: boolean
}

interface IntegrationState {
  id: string
  status: string
  status_reason: string | null
  account_id: string
  scopes: string[]
}

/** On a migrated database, which other stages may use too and which outlives this one. */
export async function openStage(definition: ProviderDefinition, databaseUrl: string): Promise<Stage> {
  await using opened = new AsyncDisposableStack()
  const auth = opened.use(await startAuthServer())
  const sql = connect(databaseUrl, 6)
  opened.defer(() => sql.end())
  await subscribe(sql)
  const running = opened.move()
  const stage: Stage = {
    definition,
    databaseUrl,
    sql,
    auth,
    exchanges: new Exchanges(),
    secrets: new Set(),
    said: [],
    openScene: () => Scene.open(stage),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
  return stage
}

/** A provider, simulated for one scenario alone, and what the scenario does to it. */
export class Scene implements AsyncDisposable {
  readonly stage: Stage
  readonly definition: ProviderDefinition
  readonly sandbox: SandboxClient
  readonly control: SandboxControlClient
  /** The environment of a process that takes part. */
  readonly env: Record<string, string>
  readonly runtime: Runtime
  readonly #closing: AsyncDisposableStack

  static async open(stage: Stage): Promise<Scene> {
    const sandbox = await startSandbox()
    const scene = new Scene(stage, sandbox.url, () => sandbox.close())
    // Where an app may choose, the stricter of the two.
    await scene.control.configure({ rotation: true })
    return scene
  }

  private constructor(stage: Stage, sandboxUrl: string, closeSandbox: () => Promise<void>) {
    this.stage = stage
    this.definition = stage.definition
    this.sandbox = sandboxClient(sandboxUrl)
    this.control = this.sandbox.control(stage.definition.id)
    this.env = {
      ...completeEnv(),
      ...registration(stage.definition),
      SUPABASE_URL: stage.auth.url,
      SUPABASE_DB_URL: stage.databaseUrl,
      FRONTEND_URL: app,
      CONNECTOR_SANDBOX_URL: sandboxUrl,
    }
    const runtime = createRuntime(stage.sql, this.env, { fetch: stage.exchanges.fetch(sandboxUrl) })
    this.runtime = runtime
    this.#closing = new AsyncDisposableStack()
    this.#closing.defer(closeSandbox)
    this.#closing.defer(async () => {
      await settleRefreshes(runtime)
      for (const secret of await this.control.tokens()) stage.secrets.add(secret)
      stage.said.push(runtime.logged())
      // What the next scene connects is alone.
      await stage.sql`delete from public.endpoints`
      await stage.sql`delete from public.integrations`
      await stage.sql`delete from patchbay.revocations`
      await stage.sql`delete from pgboss.job`
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing.disposeAsync()
  }

  /** The scenario's runtime with something replaced. */
  runtimeWith(changes: Partial<Runtime>): Runtime {
    return { ...this.runtime, ...changes }
  }

  /** The runtime of an installation whose operator has set some variables otherwise. */
  runtimeOf(changes: Readonly<Record<string, string>>): Runtime {
    return this.runtimeWith({ config: readConfig({ ...this.env, ...changes }) })
  }

  /** A signed-in user of the app. */
  async person(): Promise<Person> {
    return Person.signUp(this)
  }

  /** Someone who has connected the provider's first account. */
  async connected(): Promise<{ person: Person; id: string }> {
    const person = await this.person()
    return { person, id: await person.connect() }
  }

  /** Someone at the provider. */
  async account(index = 0): Promise<SandboxAccount> {
    const account = (await this.control.accounts())[index]
    if (account === undefined) throw new Error(`The sandbox of ${this.definition.id} has no account number ${index + 1}.`)
    return account
  }

  tokens(id: string, runtime = this.runtime): TokenSource {
    return tokenSource(runtime, this.definition, id)
  }

  api(id: string, runtime = this.runtime): ProviderApi {
    return createProviderApi({ runtime, definition: this.definition, tokens: this.tokens(id, runtime) })
  }

  /** The definition's first list, whole. */
  list(id: string, runtime = this.runtime): Promise<ListItem[]> {
    return listItems(this.api(id, runtime), this.definition, this.#firstList)
  }

  /** Lets something go wrong at the token endpoint. */
  async failTokens(fault: Fault, times: number | 'always' = 'always'): Promise<void> {
    await this.sandbox.addFault({ match: this.#place(this.definition.auth.tokenUrl), fault, times })
  }

  /** Lets something go wrong where the first list is. */
  async failList(fault: Fault, times: number | 'always' = 'always'): Promise<void> {
    await this.sandbox.addFault({ match: this.#listPlace, fault, times })
  }

  /** Lets something go wrong where the last page was read, which may be another place than where its list begins. */
  async failPage(fault: Fault, times: number): Promise<void> {
    const last = (await this.#apiRequests()).at(-1)
    if (last === undefined) throw new Error('No page was read before.')
    await this.sandbox.addFault({ match: { host: last.host, path: `^${RegExp.escape(last.path)}$` }, fault, times })
  }

  /** How often the first list was asked for. */
  async listRequests(): Promise<number> {
    const { host, path } = this.#listPlace
    return (await this.sandbox.requests()).filter((request) => request.host === host && new RegExp(path).test(request.path))
      .length
  }

  /** How many requests the provider's API got, whatever they were about. */
  async apiRequests(): Promise<number> {
    return (await this.#apiRequests()).length
  }

  async #apiRequests() {
    const { auth, api } = this.definition
    const hosts = [this.#place(api.baseUrl).host, ...(api.otherHosts ?? [])]
    const others = [auth.tokenUrl, auth.authorizeUrl].map((address) => this.#place(address).path)
    return (await this.sandbox.requests()).filter(
      ({ host, path }) => hosts.includes(host) && !others.some((other) => new RegExp(other).test(path)),
    )
  }

  async refreshRequests(): Promise<number> {
    return (await this.control.tokenStats()).refresh_token.requests
  }

  /** The access token's time is over, here and at the provider. */
  async expire(id: string): Promise<void> {
    await this.control.expireAccessTokens()
    await this.#setExpiry(id, -1_000)
  }

  /** The access token is good for another `ms`, as far as we know. */
  async expireSoon(id: string, ms: number): Promise<void> {
    await this.#setExpiry(id, ms)
  }

  /** What the scheduler does every minute. */
  async dispatch(): Promise<void> {
    await dispatch(this.stage.sql)
  }

  /** Runs what is queued, as a worker does. */
  async runJobs(runtime: Runtime = this.runtime): Promise<void> {
    const queue = createJobQueue(this.stage.databaseUrl)
    const budget = { deadline: Number.POSITIVE_INFINITY, pages: Number.POSITIVE_INFINITY }
    await drain(runtime, { queue, concurrency: 1, budget: () => budget, stop: () => false, idle: async () => false })
    await queue.close()
  }

  async secret(id: string): Promise<Secret | undefined> {
    const [row] = await this.stage.sql<{ version: bigint; expires_at: Date | null; refreshable: boolean }[]>`
      select version, refresh_token_jwe is not null as refreshable, nullif(expires_at, 'infinity') as expires_at
      from patchbay.secrets where integration_id = ${id}::uuid and name = 'primary'`
    return row && { version: row.version, expiresAt: row.expires_at?.getTime() ?? null, refreshable: row.refreshable }
  }

  async integration(id: string): Promise<IntegrationState | undefined> {
    const [row] = await this.stage.sql<(Omit<IntegrationState, 'scopes'> & { scope: string })[]>`
      select id, status, status_reason, account_id, array_to_string(scopes, ' ') as scope
      from public.integrations where id = ${id}::uuid`
    return row && { ...row, scopes: row.scope.split(' ').filter((scope) => scope !== '') }
  }

  /** What became of an integration, as the audit log has it, oldest first. What is said of each of its tokens counts once. */
  async events(id: string): Promise<string[]> {
    const rows = await this.stage.sql<{ event: string }[]>`
      select event from public.audit_log
      where integration_id = ${id}::uuid and event <> 'tenant_chosen'
      order by created_at, id`
    const events = rows.map(({ event }) => event)
    return events.filter((event, index) => !event.startsWith('rev') || event !== events[index - 1])
  }

  /** What subscribers to the end and the recovery of a connection were told of an integration, oldest first: its new status. */
  async told(id: string): Promise<string[]> {
    const rows = await this.stage.sql<{ status: string }[]>`
      select data ->> 'to' as status from pgboss.job
      where name = ${subscriber} and data ->> 'integration_id' = ${id}
      order by created_on`
    return rows.map(({ status }) => status)
  }

  /** The refresh token that is stored, in clear. */
  async storedRefreshToken(id: string): Promise<string> {
    const { refreshTokenJwe } = (await readSecret(this.stage.sql, { integrationId: id, name: 'primary' }))!
    return decryptFor(secretOwner(id, 'primary'), refreshTokenJwe!, this.runtime.config.tokenKeys)
  }

  /** Somebody else sends a refresh token, with the app's own credentials. What becomes of it is not told. */
  async sendRefreshToken(refreshToken: string): Promise<void> {
    await refreshTokens(this.runtime, this.definition, refreshToken).catch(() => {})
  }

  get #firstList(): string {
    const [name] = Object.keys(this.definition.lists)
    if (name === undefined) throw new Error(`${this.definition.id} has no list.`)
    return name
  }

  get #listPlace(): { host: string; path: string } {
    const list = this.definition.lists[this.#firstList]!
    const { path } = list.request(null)
    return this.#place(path.startsWith('https://') ? path : this.definition.api.baseUrl + path)
  }

  #place(address: string): { host: string; path: string } {
    const { host, pathname } = new URL(fillAddress(this.definition, address, this.runtime.config))
    return { host, path: `^${RegExp.escape(pathname)}$` }
  }

  async #setExpiry(id: string, ms: number): Promise<void> {
    await this.stage.sql`
      update patchbay.secrets
      set expires_at = now() + ${ms} * interval '1 millisecond', refresh_due_at = now()
      where integration_id = ${id}::uuid`
  }
}

const subscriber = 'suite-subscriber'

/** As a part of the app does that wants to know. */
async function subscribe(sql: Sql): Promise<void> {
  const [known] = await sql`select from pgboss.queue where name = ${subscriber}`
  if (known) return
  await sql`select pgboss.create_queue(${subscriber}, '{"policy": "standard"}'::jsonb)`
  for (const event of ['integration.needs_reauth', 'integration.recovered']) {
    await sql`insert into pgboss.subscription (event, name) values (${event}, ${subscriber})`
  }
}

/** The sandbox's app, in the variables that the definition names. */
export function registration({ auth: { env } }: ProviderDefinition): Record<string, string> {
  return { [env.clientId]: 'sandbox-client', [env.clientSecret]: 'sandbox-secret' }
}
