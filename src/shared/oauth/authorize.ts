import { z } from 'zod'
import { jsonResponse } from '../responses.ts'
import { PatchbayError } from '../errors.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import { findProvider } from '../providers/registry.ts'
import type { Runtime } from '../runtime.ts'
import type { User } from './authenticate.ts'
import { authorizationUrl, newCodeVerifier } from './client.ts'
import { findIntegration } from './integrations.ts'
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

/**
 * `POST /oauth-authorize`, by a signed-in user. The server-driven form answers `{ url, expires_in }`: a start URL for this user's browser,
 * good once and for `expires_in` seconds. The client-driven form answers `{ auth_url, state }`.
 */
export async function handleAuthorize(request: Request, runtime: Runtime, user: User): Promise<Response> {
  requireMethod(request, 'POST')
  const asked = await readBody(request, AuthorizeRequest)
  const definition = findProvider(asked.provider)
  // Now, rather than when the user comes back from the provider.
  runtime.config.secret(definition.auth.env.clientId)
  runtime.config.secret(definition.auth.env.clientSecret)
  await requireOwnIntegration(runtime, definition, user, asked.integration_id)
  return asked.flow === 'server' ? startUrl(runtime, definition, user, asked) : clientUrl(runtime, definition, user, asked)
}

async function startUrl(
  runtime: Runtime,
  definition: ProviderDefinition,
  user: User,
  asked: AuthorizeRequest,
): Promise<Response> {
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
  return jsonResponse({ url: `${start}?ticket=${ticket}`, expires_in: ticketSeconds })
}

async function clientUrl(
  runtime: Runtime,
  definition: ProviderDefinition,
  user: User,
  asked: AuthorizeRequest,
): Promise<Response> {
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
  return jsonResponse({
    auth_url: await authorizationUrl(runtime, definition, { redirectUri, state, scopes, codeVerifier }),
    state,
  })
}

async function requireOwnIntegration(
  { sql }: Runtime,
  definition: ProviderDefinition,
  user: User,
  integrationId: string | undefined,
): Promise<void> {
  if (integrationId === undefined) return
  const integration = await findIntegration(sql, user.id, integrationId)
  if (integration?.provider === definition.id) return
  throw new PatchbayError('not_found', `This user has no such ${definition.name} connection.`, {
    context: { field: 'integration_id', provider: definition.id },
    hint: 'Leave integration_id out to connect another account.',
  })
}

function misplaced(field: string, flow: string): PatchbayError {
  return new PatchbayError('invalid_request', `${field} belongs to the ${flow}-driven form.`, { context: { field } })
}
