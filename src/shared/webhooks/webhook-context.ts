import { PatchbayError } from '../errors.ts'
import { sharedPermits } from '../http/permits.ts'
import { createProviderApi } from '../http/provider-api.ts'
import { appTokenSource } from '../oauth/app-tokens.ts'
import type { TokenSource } from '../oauth/token-source.ts'
import { tokenSource } from '../oauth/tokens.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'
import type { WebhookContext, WebhookDefinition } from '../sync/stream.ts'
import type { RetiredWebhook } from './webhook-store.ts'

/** What a stream's webhooks may use, with the token that they want. */
export function webhookContext(
  runtime: Runtime,
  definition: ProviderDefinition,
  { as }: Pick<WebhookDefinition, 'as'>,
  { integrationId, clientId }: Pick<RetiredWebhook, 'integrationId' | 'clientId'>,
  config: unknown,
): WebhookContext {
  const tokens =
    as === 'account'
      ? withoutConsequences(accountTokens(runtime, definition, integrationId))
      : appTokenSource(runtime, definition, { scopes: as.app, clientId })
  const permits = sharedPermits(runtime, definition, integrationId)
  return { api: createProviderApi({ runtime, definition, tokens, permits }), config, now: runtime.now }
}

function accountTokens(runtime: Runtime, definition: ProviderDefinition, integrationId: string | null): TokenSource {
  if (integrationId === null) throw new PatchbayError('not_connected', 'The account of this webhook is gone.')
  return tokenSource(runtime, definition, integrationId)
}

/** A provider that refuses a hook must not end the connection that syncs live on: they find out by themselves whether it still works. */
function withoutConsequences({ get }: TokenSource): TokenSource {
  return { get, renew: get, refused: async () => {} }
}
