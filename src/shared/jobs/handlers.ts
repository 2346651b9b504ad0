import { PatchbayError } from '../errors.ts'
import { revokeStoredToken } from '../oauth/revoke.ts'
import { refreshAhead } from '../oauth/tokens.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import { findProvider } from '../providers/registry.ts'
import type { Runtime } from '../runtime.ts'
import { type Budget, runSync } from '../sync/run-sync.ts'
import { stopWebhook } from '../webhooks/stop.ts'
import { watchEndpoint } from '../webhooks/watch.ts'
import { processWebhooks } from '../webhooks/webhook-store.ts'
import type { JobData, QueueName } from './queue.ts'

/** What each job does. `again`: there is more to do at once, so what is due is queued without waiting for the scheduler. */
export const handlers: {
  [Name in QueueName]: (runtime: Runtime, data: JobData[Name], budget: Budget, jobId: string) => Promise<'done' | 'again'>
} = {
  sync: async (runtime, data, budget, jobId) => {
    const outcome = await runSync(runtime, data.endpoint_id, budget, { targetsOnly: data.targets_only, jobId })
    return outcome === 'partial' ? 'again' : 'done'
  },
  'refresh-token': async (runtime, data) => {
    const definition = await providerOf(runtime, data.integration_id)
    if (definition) await refreshAhead(runtime, definition, data.integration_id).catch(keepToken)
    return 'done'
  },
  'revoke-token': async (runtime, data) => {
    await revokeStoredToken(runtime, data.revocation_id)
    return 'done'
  },
  'process-webhooks': async (runtime, data) => ((await processWebhooks(runtime.sql, data.endpoint_id)) ? 'again' : 'done'),
  'stop-webhook': async (runtime, data) => {
    await stopWebhook(runtime, data.webhook_id)
    return 'done'
  },
  'watch-endpoint': async (runtime, data) => {
    await watchEndpoint(runtime, data.endpoint_id)
    return 'done'
  },
}

async function providerOf(runtime: Runtime, integrationId: string): Promise<ProviderDefinition | undefined> {
  const [row] = await runtime.sql<
    { provider: string }[]
  >`select provider from public.integrations where id = ${integrationId}::uuid`
  return row && findProvider(row.provider)
}

/** A transient failure is worth another try; what only the owner or the operator can mend is recorded already. */
function keepToken(error: unknown): void {
  if (error instanceof PatchbayError && error.outcome !== 'transient') return
  throw error
}
