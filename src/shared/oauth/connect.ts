import { readAccount } from '../providers/account.ts'
import { PatchbayError } from '../errors.ts'
import { asPatchbayError, logFailure } from '../failure.ts'
import { sharedPermits } from '../http/permits.ts'
import { createProviderApi, impatientLimits, type ProviderApi } from '../http/provider-api.ts'
import { listItems } from '../providers/lists.ts'
import type { Account, ListItem, ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'
import { exchangeCode, requestAppToken, requestServiceAccountToken } from './client.ts'
import { chooseTenant, findIntegration } from './integrations.ts'
import type { Origin } from './origin.ts'
import { sealTokens } from './sealed-tokens.ts'
import { type GrantType, connectIntegration, reserveIntegration } from './secret-store.ts'
import type { Transaction } from './states.ts'
import type { TokenGrant, TokenSet } from './token-request.ts'
import { decryptVerifier } from './verifier.ts'

/** A connection as its owner may see it. */
export interface ConnectedIntegration {
  id: string
  accountId: string
  accountLabel: string
  /** What was granted, which may be less than what was asked for. */
  scopes: string[]
  /** The company that requests are about; null: the provider has none, or there are several to choose from. */
  tenant: ListItem | null
}

/** Turns an authorization response, whose transaction was taken out and checked, into a stored connection. */
export async function connectByCode(
  runtime: Runtime,
  definition: ProviderDefinition,
  response: {
    transaction: Transaction
    stateHash: Uint8Array
    parameters: URLSearchParams
    state: string
    requireIssuer: boolean
    origin: Origin
  },
): Promise<ConnectedIntegration> {
  const { transaction, stateHash, origin, ...rest } = response
  const codeVerifier = await decryptVerifier(runtime.config, stateHash, transaction.codeVerifierJwe)
  const grant = await exchangeCode(runtime, definition, { ...rest, redirectUri: transaction.redirectUri, codeVerifier })
  const scopes = grant.token.scopes ?? transaction.scopes
  requireAnyScope(definition, scopes)
  const api = apiOf(runtime, definition, grant.token)
  const account = await readAccount(api, definition)
  await requireSameAccount(runtime, transaction, account)
  const { userId } = transaction
  return store(runtime, definition, { userId, grantType: 'authorization_code', scopes, grant, account, api, origin })
}

/**
 * Gives one user the account of the operator's service account, whose key is in the definition's environment variable. For operators:
 * everything that was shared with the service account becomes this user's to read.
 */
export async function connectServiceAccount(
  runtime: Runtime,
  definition: ProviderDefinition,
  userId: string,
): Promise<ConnectedIntegration> {
  const grant = await requestServiceAccountToken(runtime, definition)
  const scopes = grant.token.scopes ?? [...definition.auth.scopes]
  requireAnyScope(definition, scopes)
  const api = apiOf(runtime, definition, grant.token)
  const account = await readAccount(api, definition)
  const origin: Origin = { actor: 'operator', source: 'connect:service-account' }
  return store(runtime, definition, { userId, grantType: 'service_account', scopes, grant, account, api, origin })
}

/**
 * Gives one user the operator's app itself, without anybody's consent (RFC 6749 §4.4): the account is the app, by its client id. For
 * operators: everything that the app may read becomes this user's to read.
 */
export async function connectApp(
  runtime: Runtime,
  definition: ProviderDefinition,
  userId: string,
  clientId: string = runtime.config.secret(definition.auth.env.clientId),
): Promise<ConnectedIntegration> {
  const grant = await requestAppToken(runtime, definition, clientId)
  const scopes = grant.token.scopes ?? [...(definition.auth.clientCredentials?.scopes ?? [])]
  const account = { id: clientId, label: `${definition.name} app ${clientId}` }
  const api = apiOf(runtime, definition, grant.token)
  const origin: Origin = { actor: 'operator', source: 'connect:app' }
  return store(runtime, definition, { userId, grantType: 'client_credentials', scopes, grant, account, api, origin })
}

interface Connection {
  userId: string
  grantType: GrantType
  scopes: string[]
  grant: TokenGrant
  account: Account
  api: ProviderApi
  origin: Origin
}

async function store(runtime: Runtime, definition: ProviderDefinition, connection: Connection): Promise<ConnectedIntegration> {
  const { sql, config } = runtime
  const { userId, grantType, scopes, grant, account, api, origin } = connection
  const id = await reserveIntegration(sql, {
    userId,
    provider: definition.id,
    grantType,
    accountId: account.id,
    accountLabel: account.label,
  })
  const named = { primary: grant.token, ...grant.others }
  const sealed = await Promise.all(
    Object.entries(named).map(async ([name, tokens]) => [name, await sealTokens(config, { integrationId: id, name }, tokens)]),
  )
  await connectIntegration(sql, id, { grantType, scopes, tokens: Object.fromEntries(sealed), origin })
  const tenant = await chosenTenant(runtime, definition, { id, userId, api, origin })
  return { id, accountId: account.id, accountLabel: account.label, scopes, tenant }
}

/** Which of them an endpoint needs is its stream's to say; with none, nothing at all can be read. */
function requireAnyScope({ id, name, auth }: ProviderDefinition, granted: readonly string[]): void {
  if (auth.scopes.length === 0 || auth.scopes.some((scope) => granted.includes(scope))) return
  throw new PatchbayError('missing_scope', `${name} was connected without any permission.`, {
    context: { provider: id },
    hint: 'Connect again, and leave the boxes ticked.',
  })
}

/** Who connects again must sign in with the same account: its endpoints are about that one. */
async function requireSameAccount(runtime: Runtime, transaction: Transaction, account: Account): Promise<void> {
  if (transaction.integrationId === null) return
  const before = await findIntegration(runtime.sql, transaction.userId, transaction.integrationId)
  if (before?.account_id === account.id) return
  throw new PatchbayError('account_mismatch', `This connection is for ${before?.account_label ?? 'another account'}.`, {
    context: { provider: transaction.provider },
    hint: 'Sign in to that account at the provider, or connect this one as a new connection.',
  })
}

/** The API with a token that is not stored yet, so there is nothing to renew it with. */
function apiOf(runtime: Runtime, definition: ProviderDefinition, tokens: TokenSet): ProviderApi {
  const token = { accessToken: tokens.accessToken, tokenType: tokens.tokenType, version: 0n }
  const source = { get: async () => token, renew: async () => token, refused: async () => {} }
  const permits = sharedPermits(runtime, definition, null)
  return createProviderApi({ runtime, definition, tokens: source, limits: impatientLimits, permits })
}

/**
 * The company that was chosen before; else the only one, which is chosen now: of several, none is taken silently. The tokens are stored by
 * then, so a list that cannot be read costs nobody the connection.
 */
async function chosenTenant(
  { sql, log }: Runtime,
  definition: ProviderDefinition,
  { id, userId, api, origin }: { id: string; userId: string; api: ProviderApi; origin: Origin },
): Promise<ListItem | null> {
  if (!definition.tenant) return null
  const before = await findIntegration(sql, userId, id)
  const { tenant_id: tenantId = null, tenant_label: label = null } = before ?? {}
  if (tenantId !== null) return { id: tenantId, label: label ?? tenantId }
  try {
    const [only, ...others] = await listItems(api, definition, definition.tenant.list, { enough: 2 })
    if (!only || others.length > 0) return null
    await chooseTenant(sql, id, only, origin)
    return only
  } catch (error) {
    logFailure(log, asPatchbayError(error))
    return null
  }
}
