import { approveConsent } from '../../src/sandbox/consent.ts'
import { authorizationUrl, exchangeCode, newCodeVerifier } from '../../src/shared/oauth/client.ts'
import { reserveIntegration } from '../../src/shared/oauth/secret-store.ts'
import type { ProviderDefinition } from '../../src/shared/providers/define.ts'
import type { Runtime } from '../../src/shared/runtime.ts'
import { connectTokens } from './support.ts'

const redirectUri = 'http://127.0.0.1:1/callback'

/**
 * Connects an account of one of the sandbox's people, as the callback does without the functions around it: they have tests of their own.
 * `person`: who consents; whom the sandbox offers first, when it is left out. Gives the integration's id.
 */
export async function connectByConsent(
  runtime: Runtime,
  definition: ProviderDefinition,
  { userId, person, account }: { userId: string; person?: string; account: { id: string; label: string } },
): Promise<string> {
  const codeVerifier = newCodeVerifier(definition)
  const { scopes } = definition.auth
  const consent = await authorizationUrl(runtime, definition, { redirectUri, state: 'state', scopes, codeVerifier })
  const callback = new URL(await approveConsent(consent, person === undefined ? {} : { account: person }))
  const { token } = await exchangeCode(runtime, definition, {
    parameters: callback.searchParams,
    state: 'state',
    requireIssuer: false,
    redirectUri,
    codeVerifier,
  })
  const id = await reserveIntegration(runtime.sql, {
    userId,
    provider: definition.id,
    grantType: 'authorization_code',
    accountId: account.id,
    accountLabel: account.label,
  })
  await connectTokens(runtime, id, { primary: token })
  return id
}
