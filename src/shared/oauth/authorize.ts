import { z } from 'zod'
import { jsonResponse } from '../responses.ts'
import { PatchbayError } from '../errors.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import { findProvider } from '../providers/registry.ts'
import type { Runtime } from '../runtime.ts'
import type { User } from './authenticate.ts'
import { authorizationUrl, newCodeVerifier } from './client.ts'
import { requireOwnIntegration } from './integrations.ts'
import { randomSecret, sha256 } from './random.ts'
import { allowedRedirect, clientRedirectUri, serverUrls } from './redirects.ts'
import { readBody, requireMethod } from './request.ts'
import { putTicket, putTransaction, ticketSeconds } from './states.ts'
import { encryptVerifier } from './verifier.ts'

const Address = z.string().max(2000).optional()

export const AuthorizeRequest = z.strictObject({
  provider: z.string().max(63),
  /** `server`: we take the code. `client`: a page of the app takes it and hands it to `POST oauth-callback`. */
  flow: z.enum(['server', 'client']).default('server'),
  /** Server form: the page that the user comes back to. */
  redirect_to: Address,
  /** Client form: the page that takes the code. */
  redirect_uri: Address,
  /** Connects this integration anew: same endpoints, new tokens, and no other account. */
  integration_id: z.guid().optional(),
})
type AuthorizeRequest = z.output<typeof AuthorizeRequest>

/** `url`: a start URL for this user's browser, good once and for `expires_in` seconds. `auth_url`: the provider's own page. */
export const AuthorizeAnswer = z.union([
  z.object({ url: z.url(), expires_in: z.int() }),
  z.object({ auth_url: z.url(), state: z.string() }),
])
type AuthorizeAnswer = z.input<typeof AuthorizeAnswer>

/** `POST /oauth-authorize`, by a signed-in user: answers `AuthorizeAnswer`. */
export async function handleAuthorize(request: Request, runtime: Runtime, user: User): Promise<Response> {
  requireMethod(request, 'POST')
  return jsonResponse(await beginConnection(runtime, user, await readBody(request, AuthorizeRequest)))
}

/** Begins a connection, or that of an integration anew. Answers in the form that was asked for. */
export async function beginConnection(runtime: Runtime, user: User, asked: AuthorizeRequest): Promise<AuthorizeAnswer> {
  const definition = findProvider(asked.provider)
  // Now, rather than when the user comes back from the provider.
  runtime.config.secret(definition.auth.env.clientId)
  runtime.config.secret(definition.auth.env.clientSecret)
  if (asked.integration_id !== undefined) await requireConsented(runtime, user, definition, asked.integration_id)
  return asked.flow === 'server' ? startUrl(runtime, definition, user, asked) : clientUrl(runtime, definition, user, asked)
}

async function startUrl(
  runtime: Runtime,
  definition: ProviderDefinition,
  user: User,
  asked: AuthorizeRequest,
): Promise<AuthorizeAnswer> {
  if (asked.redirect_uri !== undefined) throw misplaced('redirect_uri', 'client')
  const { config, sql } = runtime
  const { start, callback } = serverUrls(config, definition)
  const ticket = randomSecret()
  await putTicket(sql, await sha256(ticket), {
    userId: user.id,
    provider: definition.id,
    redirectUri: callback,
    redirectTo: asked.redirect_to === undefined ? config.redirectUrls[0] : allowedRedirect(config, asked.redirect_to),
    scopes: definition.auth.scopes,
    integrationId: asked.integration_id ?? null,
  })
  return { url: `${start}?ticket=${ticket}`, expires_in: ticketSeconds }
}

async function clientUrl(
  runtime: Runtime,
  definition: ProviderDefinition,
  user: User,
  asked: AuthorizeRequest,
): Promise<AuthorizeAnswer> {
  if (asked.redirect_to !== undefined) throw misplaced('redirect_to', 'server')
  const { config, sql } = runtime
  const { scopes } = definition.auth
  const redirectUri = clientRedirectUri(config, definition, asked.redirect_uri)
  const state = randomSecret()
  const stateHash = await sha256(state)
  const codeVerifier = newCodeVerifier(definition)
  await putTransaction(
    sql,
    {
      userId: user.id,
      provider: definition.id,
      redirectUri,
      redirectTo: redirectUri,
      scopes,
      integrationId: asked.integration_id ?? null,
    },
    { stateHash, codeVerifierJwe: await encryptVerifier(config, stateHash, codeVerifier) },
  )
  return { auth_url: await authorizationUrl(runtime, definition, { redirectUri, state, scopes, codeVerifier }), state }
}

/** An account that the operator gave to the user is the operator's to connect again: no consent of the user's is for it. */
async function requireConsented(
  { sql }: Runtime,
  user: User,
  definition: ProviderDefinition,
  integrationId: string,
): Promise<void> {
  const { grant_type: grantType } = await requireOwnIntegration(sql, user.id, definition, integrationId)
  if (grantType === 'authorization_code') return
  throw new PatchbayError('forbidden', `This ${definition.name} connection was made by the operator.`, {
    context: { provider: definition.id, integrationId },
    hint: 'The operator connects it again. Leave integration_id out to connect an account of your own.',
  })
}

function misplaced(field: string, flow: string): PatchbayError {
  return new PatchbayError('invalid_request', `${field} belongs to the ${flow}-driven form.`, { context: { field } })
}
