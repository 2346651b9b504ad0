import { Hono, type MiddlewareHandler } from 'hono'
import type { JSONWebKeySet } from 'jose'
import type { SandboxAccount } from '../admin-contract.ts'
import type { SandboxClock } from '../clock.ts'
import type { ErrorAnswer, SandboxControl, SandboxEnv } from '../provider.ts'
import { AuthorizationCodes } from './authorization-codes.ts'
import { authorizeEndpoint } from './authorize-endpoint.ts'
import type { OAuthClient } from './clients.ts'
import { oauthControl } from './control.ts'
import type { OAuthError } from './oauth-error.ts'
import { revocationEndpoint } from './revocation-endpoint.ts'
import { SigningKeys } from './signing-keys.ts'
import type { TokenAnswer } from './token-answer.ts'
import { TokenCounter } from './token-counter.ts'
import { tokenEndpoint } from './token-endpoint.ts'
import { TokenIssuer } from './token-issuer.ts'
import { publicGrant } from './token-parts.ts'
import { TokenStore } from './token-store.ts'

/**
 * How a provider does OAuth. What has a default may be left out; the defaults are RFC 6749's. A small one:
 *
 *     const oauth = await createAuthorizationServer({
 *       name: 'Example', clock, clients, accounts, statePath: statePath('example-oauth.json'),
 *       paths: { authorize: '/login.example.com/authorize', token: '/login.example.com/token' },
 *       lines: [{ name: 'user', scopes: { parameter: 'scope', known: ['read', 'write'] } }],
 *       tokens: { accessTokenSeconds: 3600, refreshTokens: { kind: 'single-use', reuse: 'ends-family' } },
 *     })
 *     routes.route('/', oauth.routes)
 *     return { …, observe: oauth.observe, controls: { example: { ...oauth.control, fill } } }
 */
export interface AuthorizationServerOptions {
  /** What the consent page calls the provider. */
  name: string
  clock: SandboxClock
  clients: readonly OAuthClient[]
  /** Who can sign in on the consent page, the default first. `name` is what grants and tokens are kept under. */
  accounts: readonly SandboxAccount[]
  /** Where grants and tokens survive a restart. */
  statePath: string | undefined
  paths: EndpointPaths
  /** The kinds of tokens that one consent yields; most providers have one. The first is the one of client credentials. */
  lines: readonly TokenLine[]
  /** Between scopes, in requests and answers; a space by default. */
  scopeSeparator?: ',' | ' '
  tokens: TokenPolicy
  /** After `configure({ rotation: false })`; by default the same, with refresh tokens that are kept. */
  tokensWithoutRotation?: TokenPolicy
  /** Whether token answers say how long the access token lives, until `configure` changes it. Default true. */
  sayExpiry?: boolean
  /** How long a code may wait for its exchange; 600 by default (RFC 6749 §4.1.2: ten minutes at most). */
  codeSeconds?: number
  /** What an authorization code looks like; by default 43 random characters. */
  makeCode?: () => string
  /**
   * `required`: a request without a challenge is refused. `optional`, the default. `ignored`: as if it were not sent. `refused`: an
   * exchange with a verifier fails, with the reason `verifier-not-allowed`.
   */
  pkce?: 'required' | 'optional' | 'ignored' | 'refused'
  /** Default both. A request without a method means `plain` (RFC 7636 §4.3). */
  pkceMethods?: readonly ('S256' | 'plain')[]
  /** How an app may prove itself at the token endpoint; default both. */
  clientAuth?: readonly ('basic' | 'body')[]
  /** What comes of doing both at once; refused by default, as RFC 6749 §2.3 has it. */
  bothClientAuths?: 'refused' | 'accepted'
  /** Whether token and revocation endpoints take JSON bodies besides forms. Default false. */
  jsonBodies?: boolean
  /**
   * `each`, the default: every consent is a grant of its own. `shared`: an account has one grant per app, its scopes add up, and all its
   * tokens end with it.
   */
  grants?: 'each' | 'shared'
  /** RFC 6749 §4.4: a token for the app itself. `known`: the scopes that it may ask for; absent: it asks for none. */
  clientCredentials?: { known?: readonly string[] }
  /** What a token request without `grant_type` means; absent: it is refused. */
  usualGrantType?: string
  /** Further grants, by `grant_type`. They yield an access token and no refresh token. */
  extraGrants?: Readonly<Record<string, ExtraGrant>>
  revocation?: RevocationPolicy
  /** `iss` in every callback (RFC 9207). */
  issuer?: string
  authorize?: AuthorizeHooks
  /** The body of a token answer; `rfcTokenAnswer` by default. Undefined members are left out. */
  tokenAnswer?: (answer: TokenAnswer) => object | Promise<object>
  /** The answer for an error of the token or revocation endpoint; `rfcErrorAnswer` by default. Branch on `error.reason`. */
  errorAnswer?: (error: OAuthError, request: EndpointRequest) => ErrorAnswer
}

/**
 * Where the endpoints are: `/<host>/<path>`, one or several, such as `/login.example.com/:tenant/oauth2/token`. Parameters of the path
 * come back in `EndpointRequest`; a wrong one is for the vendor to refuse, in a middleware in front of `routes`.
 */
export interface EndpointPaths {
  authorize: string | readonly string[]
  token: string | readonly string[]
  /** Absent where there is none. */
  revoke?: string | readonly string[]
}

/**
 * One kind of token of a grant, with scopes and a refresh chain of its own: a bot's and a user's, say. What one exchange or one call of
 * `issue` yields on a line, and all that is refreshed from it, is a family.
 */
export interface TokenLine {
  name: string
  scopes: LineScopes
  /** What an access token looks like; by default opaque. */
  accessToken?: AccessTokenForm
  /** A new refresh token; by default 43 random characters. */
  makeRefreshToken?: () => string
  /** Whether it gets a refresh token, where the policy has them. Default always. */
  wantsRefreshToken?: (consent: Consent) => boolean
}

/** `parameter`: asked for in the authorization request; a line without scopes yields no token. `onApp`: set when the app was registered. */
export type LineScopes =
  | {
      parameter: string
      /** What an app may ask for; absent: anything. */
      known?: readonly string[]
      /** Whether none is a request too; by default it is refused when no line has any. */
      mayBeEmpty?: boolean
      /** The user may allow some and refuse others. Default false. */
      untickable?: boolean
    }
  | { onApp: readonly string[] }

/** What an access token looks like. A JWT has `iat`, `exp` and a unique `jti` besides the claims. */
export type AccessTokenForm =
  | { type: 'opaque'; make: (subject: TokenSubject) => string }
  | { type: 'jwt'; alg: 'RS256' | 'ES256' | 'ES512' | 'HS256'; claims: (subject: TokenSubject) => Record<string, unknown> }

/** Whom an access token is for. */
export interface TokenSubject {
  /** Null when it is for the app itself. */
  account: string | null
  /** Null when no app was involved, as with an assertion. */
  clientId: string | null
  line: string
  scopes: readonly string[]
}

export interface TokenPolicy {
  /** Null: it never expires, unless `configure` says otherwise. */
  accessTokenSeconds: number | null
  refreshTokens: RefreshPolicy
}

/**
 * `kept`: the same for ever. `replaced`: each refresh yields a new one, the old ones stay good. `single-use`: each refresh yields a new
 * one and ends the old one, `graceSeconds` (default 0) after it was used. `reuse`: whether sending a used one is refused, which is the
 * default, or also ends its whole family (RFC 9700 §4.14.2). `seconds`: how long a refresh token lives; absent: for ever. `limit`: how
 * many a grant may have; one more, and the oldest no longer works.
 */
export type RefreshPolicy =
  | { kind: 'none' }
  | { kind: 'kept' | 'replaced'; seconds?: number; limit?: number }
  | { kind: 'single-use'; seconds?: number; graceSeconds?: number; reuse?: 'refused' | 'ends-family' }

/** RFC 7009: 200 also for a token that nobody knows, unless `unknown` is refused. Default: a token ends its whole grant. */
export interface RevocationPolicy {
  ends?: 'grant' | 'family' | 'token'
  unknown?: 'accepted' | 'refused'
  /** Whether the app has to prove itself. Default true. */
  clientAuth?: boolean
}

/** What differs between the authorization endpoints of providers. */
export interface AuthorizeHooks {
  /** Whether `response_type=code` may be left out. Default false. */
  responseTypeOptional?: boolean
  /**
   * What a wrong request leads to, unless it has an unknown app or redirect URI, which every provider answers with a page: `redirect`,
   * the default, sends the browser back with RFC 6749's `error`.
   */
  errors?: 'redirect' | 'page'
  /** The callback's parameters when the user refuses. Default: `error=access_denied` and `state`. */
  denial?: (request: AuthorizeRequest) => Readonly<Record<string, string>>
  /** Refuses some accounts although the user agrees, with the callback's parameters without `state`: "ask your administrator". */
  refuse?: (consent: Consent) => Readonly<Record<string, string>> | undefined
  /** More parameters of a successful callback, besides `code` and `state`. */
  success?: (consent: Consent) => Readonly<Record<string, string>>
  /** For `grants: 'shared'`: whether the token covers what was granted before. Default true. */
  includesGranted?: (request: AuthorizeRequest) => boolean
  /** What the consent page says a scope allows; by default nothing but its name. */
  describeScope?: (scope: string) => string
}

/** A request to an endpoint: what the path said, and the query or the form. */
export interface EndpointRequest {
  host: string
  /** Parameters of the path, such as `tenant`. */
  params: Readonly<Record<string, string>>
  parameters: ReadonlyMap<string, string>
}

/** What an app asked for, checked. */
export interface AuthorizeRequest extends EndpointRequest {
  clientId: string
  redirectUri: string
  state: string | undefined
  /** By line. */
  scopes: Readonly<Record<string, readonly string[]>>
}

/** What a user agreed to. */
export interface Consent {
  request: AuthorizeRequest
  account: string
  /** By line. */
  scopes: Readonly<Record<string, readonly string[]>>
  /** The account has a refresh token for this app already, of a grant that is in force. */
  hadRefreshToken: boolean
}

/** Says whom a token is for that is asked for in another way, such as with an assertion. Throws OAuthError when the request is wrong. */
export type ExtraGrant = (request: TokenRequest) => Promise<Omit<TokenSubject, 'line'>>

export interface TokenRequest extends EndpointRequest {
  /** The app, checked. Throws OAuthError. */
  authenticate(): OAuthClient
}

/** One user's consent to one app. */
export interface Grant {
  id: string
  account: string
  clientId: string
  /** By line. */
  scopes: Readonly<Record<string, readonly string[]>>
}

/** A token, just issued. */
export interface IssuedToken extends TokenSubject {
  accessToken: string
  /** Seconds; undefined when it never expires, or when answers do not say so. */
  expiresIn: number | undefined
  refreshToken: string | undefined
  /** Milliseconds since the epoch, by the provider's clock. */
  issuedAt: number
}

/** What an access token is good for. */
export type Verification = { state: 'live'; token: LiveToken } | { state: 'expired' | 'revoked' | 'unknown' }

/** An access token that is good. */
export interface LiveToken extends TokenSubject {
  /** Null when it came without a user's consent. */
  grantId: string | null
  /** Milliseconds since the epoch, by the provider's clock; null: never. */
  expiresAt: number | null
}

/** What an authorization server brings of a provider's control. */
export type OAuthControl = Omit<SandboxControl, 'fill'>

/** A provider's authorization server. */
export interface AuthorizationServer {
  /** Consent page, token and revocation endpoints. */
  routes: Hono<SandboxEnv>
  /** Counts token requests as they arrive. To be the provider's `observe`, or part of it. */
  observe: MiddlewareHandler<SandboxEnv>
  /** All of a provider's control but `fill`. Its functions need no `this`: spread it. */
  control: OAuthControl
  /** Whether an access token is good, for the provider's API. `requireToken` of `bearer.ts` asks this for all routes. */
  verify(accessToken: string): Verification
  /** New tokens of one line of a grant, as after a consent: for endpoints of the provider's own. */
  issue(grantId: string, line: string): Promise<IssuedToken>
  /** Ends a grant and all its tokens: "uninstall", "disconnect". False when it was not in force. */
  endGrant(grantId: string): boolean
  /** Ends one access or refresh token. False when it was not in force. */
  endToken(token: string): boolean
  /** The grants that are in force. */
  grants(accountName: string): Grant[]
  /** The public keys of access tokens that are JWTs. */
  publicKeys(): Promise<JSONWebKeySet>
  /** Settles when all that was answered so far is on disk. */
  flush(): Promise<void>
}

const codeSeconds = 600

/** Starts an authorization server, with what it kept. Throws when that cannot be read. */
export async function createAuthorizationServer(options: AuthorizationServerOptions): Promise<AuthorizationServer> {
  const store = await TokenStore.load(options.clock, options.statePath)
  const keys = new SigningKeys(store)
  const issuer = new TokenIssuer(options, store, keys)
  const codes = new AuthorizationCodes(options.clock, options.codeSeconds ?? codeSeconds)
  const counter = new TokenCounter(options)
  const parts = { options, codes, store, issuer, counter }

  const routes = new Hono<SandboxEnv>()
  routes.route('/', authorizeEndpoint(parts))
  routes.route('/', tokenEndpoint(parts))
  routes.route('/', revocationEndpoint(options, store))
  return {
    routes,
    observe: counter.observe,
    control: oauthControl(parts),
    verify: (accessToken) => verify(accessToken, store),
    issue: (grantId, line) => issue(grantId, line, store, issuer),
    endGrant: (grantId) => store.endGrant(grantId),
    endToken: (token) => store.endToken(token),
    grants: (accountName) => store.liveGrants(accountName).map(publicGrant),
    publicKeys: () => keys.publicKeys(signingAlgorithms(options)),
    flush: () => store.flush(),
  }
}

function verify(accessToken: string, store: TokenStore): Verification {
  const state = store.accessState(accessToken)
  const record = store.accessToken(accessToken)
  if (state !== 'live') return { state }
  if (record === undefined) return { state: 'unknown' }
  const { account, clientId, line, scopes, expiresAt } = record
  const grantId = store.family(record.familyId)?.grantId ?? null
  return { state, token: { account, clientId, line, scopes, expiresAt, grantId } }
}

async function issue(grantId: string, line: string, store: TokenStore, issuer: TokenIssuer): Promise<IssuedToken> {
  const grant = store.grant(grantId)
  if (grant === undefined || grant.ended) throw new Error(`The grant ${grantId} is not in force.`)
  const { account, clientId, scopes: granted } = grant
  const scopes = granted[line] ?? []
  const family = store.addFamily(grantId, line)
  const token = await issuer.accessToken({ account, clientId, line, scopes }, family)
  return { ...token, refreshToken: issuer.refreshToken(family, scopes) }
}

function signingAlgorithms({ lines }: AuthorizationServerOptions) {
  return [...new Set(lines.flatMap(({ accessToken }) => (accessToken?.type === 'jwt' ? [accessToken.alg] : [])))]
}
