import type { HttpBindings } from '@hono/node-server'
import type { Hono, MiddlewareHandler } from 'hono'
import type { Fault, NewSandboxFile, SandboxAccount, SandboxFile, TokenSettings, TokenStats } from './admin-contract.ts'
import type { SandboxClock } from './clock.ts'
import type { Deliveries } from './deliveries.ts'
import type { OAuthClient } from './oauth/clients.ts'

export type { NewSandboxFile, SandboxFile } from './admin-contract.ts'

/** What every request to a simulated provider carries. */
export interface SandboxEnv {
  Bindings: HttpBindings
  Variables: {
    /** The fault that this request met. */
    fault: Fault | undefined
    /** At most this many items in a list, whatever the request asks for. A list must honour it, and still say that there is more. */
    itemLimit: number | undefined
    /** The connection ends without a whole answer. */
    unanswered: boolean | undefined
  }
}

/**
 * Makes one company's simulation. `src/sandbox/<company>/sandbox.ts` exports it as `createSandbox`; that is all it takes: the server
 * finds the folders by itself, and nothing outside them names a company.
 */
export type SandboxFactory = (options: SandboxFactoryOptions) => Promise<SandboxProvider>

/** What a simulation gets from the sandbox. */
export interface SandboxFactoryOptions {
  /** The provider's time. Token lifetimes and change times must follow it, not `Date.now()`. */
  clock: SandboxClock
  /** Sends notifications to apps, for a provider that has webhooks. */
  deliveries: Deliveries
  /**
   * Where to keep something for the next start, such as `statePath('<company>-oauth.json')`; undefined when all is in memory. The folder
   * exists; names begin with the company, as it is shared.
   */
  statePath(name: string): string | undefined
  /** A folder on disk whose tree becomes the default account's files, where a provider has files. */
  root?: string
  /** Mounts the tree that many times, below `copy-1`, `copy-2`, …; 1: directly. */
  copies: number
  /** Adds what is rare, so that a demo shows it: shared things, odd types, names that need escaping. */
  extras: boolean
  /** The registered apps. */
  clients: readonly OAuthClient[]
}

/** One company, simulated: its sign-in, its tokens and its APIs. */
export interface SandboxProvider {
  /** The folder's name. Its own admin routes are below `/_sandbox/<id>`. */
  id: string
  /** The hosts it answers for. Their routes begin with `/<host>`. */
  hosts: readonly string[]
  routes: Hono<SandboxEnv>
  /** Sees every request to its hosts, also those that a fault keeps from the routes. */
  observe: MiddlewareHandler<SandboxEnv>
  /** What only this company can be told to do, such as "rename that file". A wrong body may throw: it is answered with 400. */
  admin: Hono<SandboxEnv>
  errors: ProviderErrors
  /** The generic control of each Patchbay provider that it simulates, by Patchbay's id for it. */
  controls: Readonly<Record<ProviderId, SandboxControl>>
  /** The control of the files that it has, by Patchbay's `endpoint_type`. */
  files?: Readonly<Record<string, SandboxFileControl>>
  /** Settles when all that was answered so far is on disk. */
  flush(): Promise<void>
  close(): Promise<void>
}

/** Patchbay's id for a provider, in kebab case. One company may have several. */
export type ProviderId = string

/**
 * What a test does to any provider without knowing which. Also over HTTP, below `/_sandbox/control/<provider id>`; `sandboxClient(url)`
 * has the same methods as `control(providerId)`. An authorization server of `oauth/authorization-server.ts` brings all but `fill`.
 * Every method that takes an account throws for one that is not in `accounts`.
 */
export interface SandboxControl {
  /** Who can sign in on the consent page; the default first. At least two. */
  accounts: readonly SandboxAccount[]
  tokenStats(): TokenStats
  /** For tokens that are issued from now on. */
  configure(settings: TokenSettings): void
  /** From now on, every access token issued so far is answered like one that is too old. */
  expireAccessTokens(): void
  /** The user ends every connection at the provider. Returns how many were in force. */
  revokeGrants(accountName: string): number
  /** How many grants of the account are in force: something can still be done with a token of it. */
  liveGrants(accountName: string): number
  /** Makes every list that an account has to choose from (calendars, companies, shared drives, …) at least that long. */
  fill(accountName: string, count: number): void | Promise<void>
  /** Every secret issued since the start: authorization codes, access tokens, refresh tokens, whether or not they are still good. */
  tokens(): string[]
}

/**
 * What a test does to any provider's files without knowing which, as a person would in the provider's own pages. Also over HTTP, below
 * `/_sandbox/files/<endpoint type>`; `sandboxClient(url)` has the same methods as `files(endpointType)`. Ids are the provider's.
 */
export interface SandboxFileControl {
  /** Makes an empty tree that the account can read, and says how an endpoint names it (`endpoint_config`) and its root folder's id. */
  createTree(account: string, name: string): { config: Record<string, unknown>; rootId: string }
  /** Returns the ids, in order. */
  addFolders(parentId: string, names: readonly string[]): string[]
  /** Returns the ids, in order. */
  addFiles(parentId: string, files: readonly NewSandboxFile[]): string[]
  rename(id: string, name: string): void
  move(id: string, parentId: string): void
  /** Into the trash, or what the provider has instead; `restore` takes it out again. */
  trash(id: string): void
  restore(id: string): void
  /** For good, or as good as the provider lets a person do it. */
  remove(id: string): void
  /** Whether the account of the tree may still see a file or folder and what is below it. */
  setVisible(id: string, visible: boolean): void
  /** The files below a folder that the account can see and that are not in the trash; paths from that folder down, with a leading slash. */
  list(rootId: string): SandboxFile[]
}

/**
 * The provider's own words for faults that any provider can have. They get the place, as one host may have a token endpoint that speaks
 * OAuth beside an API that does not.
 */
export interface ProviderErrors {
  /** 429. Without `Retry-After`: the fault adds it. */
  rateLimit(place: ProviderPlace): ErrorAnswer
  /** The provider's "too fast" that is not a 429; where it has none, the 429. */
  quota(place: ProviderPlace): ErrorAnswer
  serverError(place: ProviderPlace, status: number): ErrorAnswer
  /** As for an access token that is no longer valid. */
  unauthorized(place: ProviderPlace): ErrorAnswer
  /** 403, or what the provider has instead: the account may not see it, and no token changes that. */
  forbidden(place: ProviderPlace): ErrorAnswer
  /** 404, or what the provider has instead. */
  notFound(place: ProviderPlace): ErrorAnswer
}

/** Where at the provider a request went. */
export interface ProviderPlace {
  host: string
  /** Without the query. */
  path: string
}

/** `body` is sent as JSON. */
export interface ErrorAnswer {
  status: number
  body: unknown
  headers?: Readonly<Record<string, string>>
}

/** A JSON answer, with the content type that the providers use. */
export function jsonAnswer({ status, body, headers = {} }: ErrorAnswer): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json; charset=UTF-8', ...headers },
  })
}

/** Splits `/api.example.com/v3/files` into the provider's host and its path there. */
export function providerPath(path: string): ProviderPlace {
  const end = path.indexOf('/', 1)
  return end === -1 ? { host: path.slice(1), path: '/' } : { host: path.slice(1, end), path: path.slice(end) }
}
