import type { FileStream } from '../sync/stream.ts'

/** A provider, declared. Facts are data; a function stands only where the answer depends on the request. */
export interface ProviderDefinition {
  /** Kebab case, as in URLs and in `integrations.provider`. */
  id: string
  name: string
  docs: string
  auth: AuthDefinition
  api: ApiDefinition
  /** Reads who the account is, with a fresh access token. `id` must be stable; `label` is what a person recognises. */
  account: { path: string; read: (body: unknown) => { id: string; label: string } }
  /** What can be synced, by `endpoints.endpoint_type`. */
  streams: Record<string, FileStream>
}

export interface AuthDefinition {
  /** The issuer, as the provider sends it in `iss` (RFC 9207). */
  issuer: string
  /** Whether every authorization response carries `iss`; a missing one is then refused. */
  issuerInResponse: boolean
  authorizeUrl: string
  tokenUrl: string
  revokeUrl?: string
  scopes: readonly string[]
  /** Provider parameters added to the authorization URL. */
  authorizeParams?: Readonly<Record<string, string>>
  /** How the client proves itself at the token endpoint: in the form body, or with HTTP Basic. */
  clientAuth: 'body' | 'basic'
  pkce: boolean
  /** `static`: stays valid. `rotating`: every refresh replaces it and the old one must not be used again. */
  refreshToken: 'static' | 'rotating'
  /** Names of the environment variables that hold the app's registration. */
  env: { clientId: string; clientSecret: string; redirectUri: string }
  /** Set when the operator may connect a service account with a key file (RFC 7523). */
  serviceAccount?: { env: string }
}

export interface ApiDefinition {
  baseUrl: string
  /**
   * The reason code of an error answer, such as `userRateLimitExceeded`; undefined where the body has none.
   * `body` is parsed JSON, or undefined when the answer was not JSON.
   */
  reason: (body: unknown) => string | undefined
  /** Reasons that mean "too fast", whatever their HTTP status. */
  quotaReasons: readonly string[]
  /** Reasons that only the account's owner can mend: a scope not granted, an app not allowed. */
  reconnectReasons: readonly string[]
}

/** Identity: type-checks a definition and keeps its literal types. */
export function defineProvider<const T extends ProviderDefinition>(definition: T): T {
  return definition
}
