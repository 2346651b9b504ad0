import type { FileStream } from '../sync/stream.ts'

/** A provider, declared. Facts are data; a function stands only where the answer depends on the request. */
export interface ProviderDefinition {
  /** Kebab case, as in URLs and in `integrations.provider`. */
  id: string
  name: string
  docs: string
  /** Environment variables that choose among the provider's addresses; their names stand in the URLs below as `{NAME}`. */
  variables?: Readonly<Record<string, AddressVariable>>
  auth: AuthDefinition
  api: ApiDefinition
  /** Reads who the account is, with a fresh access token. `id` must be stable; `label` is what a person recognises. */
  account: { request: ApiRequest; read: (body: unknown) => Account }
  /** What an account has to choose from, such as calendars or companies, by name. At least one: it shows how the provider pages. */
  lists: Readonly<Record<string, ProviderList>>
  /** Set when one account reaches several companies, and each request says which: the list that has them, and the request header. */
  tenant?: { list: string; header: string }
  /** What can be synced, by `endpoints.endpoint_type`. */
  streams: Readonly<Record<string, FileStream>>
}

export interface Account {
  id: string
  label: string
}

/**
 * `pattern`: `{NAME}` is the variable's value, which must match. `choices`: the value picks one set of parts, which stand in URLs by their
 * own names.
 */
export type AddressVariable =
  | { default: string; pattern: RegExp }
  | { default: string; choices: Readonly<Record<string, Readonly<Record<string, string>>>> }

export interface AuthDefinition {
  /** The issuer, as the provider sends it in `iss` (RFC 9207); a pattern where it differs by tenant. */
  issuer: string | RegExp
  /** Whether every authorization response carries `iss`; a missing one is then refused. */
  issuerInResponse: boolean
  authorizeUrl: string
  tokenUrl: string
  /** How a connection is ended at the provider; absent where there is no way. */
  revocation?: Revocation
  scopes: readonly string[]
  /** What separates scopes, in requests and answers; a space by default. */
  scopeSeparator?: ','
  /** Scopes that are asked for and granted without being named in the answer. */
  silentScopes?: readonly string[]
  /** Provider parameters added to the authorization URL. */
  authorizeParams?: Readonly<Record<string, string>>
  /** How the client proves itself at the token endpoint: in the form body, or with HTTP Basic. */
  clientAuth: 'body' | 'basic'
  pkce: boolean
  /**
   * What becomes of a refresh token once it is used. `valid`: it stays good. `grace`: it may be sent again for a short while, in case the
   * answer was lost. `dead`: it is replaced at once, and a lost answer may cost the connection.
   */
  usedRefreshToken: 'valid' | 'grace' | 'dead'
  /**
   * How long an access token lives when the answer does not say: so many seconds; `jwt`: until its `exp` claim; `unlimited`: until it is
   * revoked.
   */
  lifetimeIfUnsaid: number | 'jwt' | 'unlimited'
  /** Turns a token answer of the provider's own form into RFC 6749's. Gets every JSON object, of any status. */
  readTokenAnswer?: (body: JsonObject) => TokenAnswer
  /** Names of the environment variables that hold the app's registration. */
  env: { clientId: string; clientSecret: string; redirectUri: string }
  /** Set when the operator may connect a service account with a key file (RFC 7523). */
  serviceAccount?: { env: string }
  /** Set when the operator may connect the app itself, without a user (RFC 6749 §4.4). */
  clientCredentials?: { scopes: readonly string[] }
}

export type JsonObject = Readonly<Record<string, unknown>>

/**
 * RFC 6749's form of an answer (§5). `token` is what API requests are sent with; `others` are kept and refreshed beside it, each by its
 * name.
 */
export type TokenAnswer = { error: string } | { token: JsonObject; others?: Readonly<Record<string, JsonObject>> }

/**
 * `token`: RFC 7009, the token in a form. `request`: a request of the provider's API, sent with the access token. `ends: 'grant'`: it also
 * ends every other connection of the account to this app, so it is sent with the last one only.
 */
export type Revocation =
  | { by: 'token'; url: string; ends: 'grant' | 'token' }
  | { by: 'request'; request: ApiRequest; ends: 'grant' | 'token' }

/** One request to the provider's API. */
export interface ApiRequest {
  /** GET by default. */
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below `api.baseUrl`; or an absolute URL, of the same host or one of `api.otherHosts`. */
  path: string
  /** A parameter that is undefined is left out. */
  query?: Readonly<Record<string, string | undefined>>
  /** Sent as JSON. */
  json?: unknown
  /** Names in lower case. They go before the definition's; `authorization` is never among them. */
  headers?: Readonly<Record<string, string>>
  /**
   * That sending it twice does what sending it once does. GET and DELETE always may (RFC 9110, 9.2.2); another request is sent again only
   * when it says so, or when the provider has surely not carried it out.
   */
  repeatable?: true
  /** That a success may come without a body, which is then undefined. */
  mayBeEmpty?: true
}

export interface ApiDefinition {
  baseUrl: string
  /** Further hosts that may see the access token. */
  otherHosts?: readonly string[]
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>>
  /**
   * The reason code of an error answer, such as `userRateLimitExceeded`; undefined where the body is no error or has none. `body` is
   * parsed JSON, or undefined when the answer was not JSON. Asked for answers of any status: some providers report failures with 200.
   */
  reason: (body: unknown) => string | undefined
  /** What the provider's reasons mean, whatever their HTTP status. One that is not here means what its status does; with 200, `rejected`. */
  reasons: Readonly<Record<string, ReasonMeaning>>
  /** How long to wait, where the provider says it otherwise than by `Retry-After`. `now` and the result are in milliseconds. */
  retryAfterMs?: (answer: { status: number; headers: Headers; body: unknown }, now: number) => number | undefined
  /** What the provider publishes of its limits. All workers together stay below them (src/shared/http/permits.ts). */
  limits?: readonly ApiLimit[]
}

/** `amount` per `periodMs`, in the provider's own unit. */
export interface ApiLimit {
  /** Kebab case; names it in `patchbay.provider_limits`, where an operator may set other figures. */
  name: string
  /** Whom the provider counts: the app, or each account that is connected to it. */
  per: 'app' | 'account'
  amount: number
  periodMs: number
  /** What a request takes of it; 0: it is not counted. */
  cost: (request: { method: string; path: string }) => number
}

/**
 * `rate_limited`: too fast. `unavailable`: it passes by itself. `unauthorized`: as 401, a newer token may help. `reconnect`: only the
 * account's owner can mend it, for all that the connection is used for. `missing_scope`: the request needs a permission that was not
 * granted. `not_installed`: the app must be added to the company or workspace at the provider. `contract`: not what
 * was agreed with the provider.
 */
export type ReasonMeaning =
  | 'rate_limited'
  | 'unavailable'
  | 'unauthorized'
  | 'reconnect'
  | 'missing_scope'
  | 'forbidden'
  | 'not_installed'
  | 'not_found'
  | 'rejected'
  | 'contract'

/** A listing, page by page. */
export interface ProviderList {
  /** The request of a page; `cursor` is null for the first, else what `read` called `next`. */
  request: (cursor: string | null) => ApiRequest
  /** A page may have no items and still a next one. Throws when the body is not what it should be. */
  read: (body: unknown, answer: { headers: Headers; cursor: string | null }) => { items: ListItem[]; next: string | null }
}

/** One thing to choose; `id` is what the endpoint's configuration wants. */
export interface ListItem {
  id: string
  label: string
}

/** Identity: type-checks a definition and keeps its literal types. */
export function defineProvider<const T extends ProviderDefinition>(definition: T): T {
  return definition
}
