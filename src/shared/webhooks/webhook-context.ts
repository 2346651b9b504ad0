import { sharedPermits } from '../http/permits.ts'
import { createProviderApi } from '../http/provider-api.ts'
import { appTokenSource } from '../oauth/app-tokens.ts'
import type { TokenSource } from '../oauth/token-source.ts'
import { tokenSource } from '../oauth/tokens.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'
import type { WebhookContext, WebhookDefinition } from '../sync/stream.ts'
import type { Behind } from './webhook-store.ts'

/** What a stream's webhooks may use, with the token that they want. */
export function webhookContext(
  runtime: Runtime,
  definition: ProviderDefinition,
  { as }: Pick<WebhookDefinition, 'as'>,
  behind: Behind,
  config: unknown,
): WebhookContext {
  const tokens =
    as === 'account'
      ? withoutConsequences(tokenSource(runtime, definition, behind.integrationId))
      : appTokenSource(runtime, definition, {
          scopes: as.app,
          // One of the operator's further apps has hooks of its own.
          clientId: behind.grantType === 'client_credentials' ? behind.accountId : undefined,
        })
  const permits = sharedPermits(runtime, definition, behind.integrationId)
  return { api: createProviderApi({ runtime, definition, tokens, permits }), config, now: runtime.now }
}

/** A provider that refuses a hook must not end the connection that syncs live on: they find out by themselves whether it still works. */
function withoutConsequences({ get }: TokenSource): TokenSource {
  return { get, renew: get, refused: async () => {} }
}
