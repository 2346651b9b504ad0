import { z } from 'zod'
import { PatchbayError } from '../errors.ts'
import { createProviderApi, requestLimits } from '../http/provider-api.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'
import { exchangeCode, requestServiceAccountToken } from './client.ts'
import { sealTokens } from './sealed-tokens.ts'
import { type StoredSecret, connectIntegration, reserveIntegration } from './secret-store.ts'
import type { Transaction } from './states.ts'
import type { TokenSet } from './token-request.ts'
import { decryptVerifier } from './verifier.ts'

/** A connection as its owner may see it. */
export interface ConnectedIntegration {
  id: string
  accountId: string
  accountLabel: string
  /** What was granted, which may be less than what was asked for. */
  scopes: string[]
}

/** A user waits for the answer: rather an error than minutes. */
const limits = { ...requestLimits, timeoutMs: 15_000, attempts: 3, longestWaitMs: 3_000, retryWithinMs: 10_000 }

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
  },
): Promise<ConnectedIntegration> {
  const { transaction, stateHash, ...rest } = response
  const codeVerifier = await decryptVerifier(runtime.config, stateHash, transaction.codeVerifierJwe)
  const tokens = await exchangeCode(runtime, definition, { ...rest, redirectUri: transaction.redirectUri, codeVerifier })
  const scopes = tokens.scopes ?? transaction.scopes
  return connect(runtime, definition, { userId: transaction.userId, grantType: 'authorization_code', scopes, tokens })
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
  const tokens = await requestServiceAccountToken(runtime, definition)
  const scopes = tokens.scopes ?? [...definition.auth.scopes]
  return connect(runtime, definition, { userId, grantType: 'service_account', scopes, tokens })
}

async function connect(
  runtime: Runtime,
  definition: ProviderDefinition,
  grant: { userId: string; grantType: StoredSecret['grantType']; scopes: string[]; tokens: TokenSet },
): Promise<ConnectedIntegration> {
  const { userId, grantType, scopes, tokens } = grant
  // Which of them an endpoint needs is its stream's to say; with none, nothing at all can be read.
  if (definition.auth.scopes.length > 0 && !definition.auth.scopes.some((scope) => scopes.includes(scope))) {
    throw new PatchbayError('missing_scope', `${definition.name} was connected without any permission.`, {
      context: { provider: definition.id },
      hint: 'Connect again, and leave the boxes ticked.',
    })
  }

  const account = await readAccount(runtime, definition, tokens)
  const { sql, config } = runtime
  const integration = { userId, provider: definition.id, grantType, accountId: account.id, accountLabel: account.label }
  const id = await reserveIntegration(sql, integration)
  await connectIntegration(sql, id, grantType, scopes, await sealTokens(config, id, tokens))
  return { id, accountId: account.id, accountLabel: account.label, scopes }
}

async function readAccount(runtime: Runtime, definition: ProviderDefinition, tokens: TokenSet) {
  const token = { accessToken: tokens.accessToken, tokenType: tokens.tokenType, version: 0n }
  // Not stored yet, so there is nothing to renew it with.
  const source = { get: async () => token, renew: async () => token }
  const api = createProviderApi({ runtime, definition, tokens: source, limits })
  const body = await api.get(definition.account.path, {}, z.unknown())
  try {
    return definition.account.read(body)
  } catch (error) {
    throw new PatchbayError('provider_answer_invalid', `${definition.name} did not say which account this is.`, {
      cause: error,
      context: { provider: definition.id },
    })
  }
}
