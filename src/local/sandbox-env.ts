import { defaultClient } from '../sandbox/oauth/clients.ts'
import { providers } from '../shared/providers/registry.ts'

/** Every provider's registration, as the sandbox knows it, by the environment variables that the functions and the worker read. */
export function sandboxEnv(sandboxUrl: string): Record<string, string> {
  const registrations = providers.flatMap(({ auth: { env } }) => [
    [env.clientId, defaultClient.clientId],
    [env.clientSecret, defaultClient.clientSecret],
  ])
  return { ...(Object.fromEntries(registrations) as Record<string, string>), CONNECTOR_SANDBOX_URL: sandboxUrl }
}
