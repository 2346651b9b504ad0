import { fillAddress } from '../../shared/providers/address.ts'
import type { ProviderDefinition } from '../../shared/providers/define.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What a connection is made with: the simulation, or the real thing. */
export type Target = 'sandbox' | 'provider'

/**
 * The provider itself when the environment has its app's registration and names no sandbox, else the sandbox; `wish` comes first. Throws
 * when the registration is needed and not there, is there by half, or is the sandbox's.
 */
export function chooseTarget({ id, name, auth }: ProviderDefinition, env: Environment, wish?: Target): Target {
  const simulated = Boolean(env['CONNECTOR_SANDBOX_URL'])
  if (wish === 'sandbox' || (wish === undefined && simulated)) return 'sandbox'
  if (simulated) throw new Error(`CONNECTOR_SANDBOX_URL is set. Take it out of .env to connect to ${name} itself.`)
  const needed = [auth.env.clientId, auth.env.clientSecret]
  const missing = needed.filter((variable) => !env[variable])
  if (missing.length === 0) return 'provider'
  if (wish === undefined && missing.length === needed.length) return 'sandbox'
  throw new Error(
    `To connect to ${name} itself, set ${missing.join(' and ')} in .env: docs/providers/${id}.md says where to get them.` +
      ' To try it without, add --against sandbox.',
  )
}

/** The provider's own variables, for the functions. */
export function providerEnv({ variables = {}, auth }: ProviderDefinition, env: Environment): Record<string, string> {
  const { clientId, clientSecret, redirectUri } = auth.env
  const names = [clientId, clientSecret, redirectUri, ...Object.keys(variables)]
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = env[name]
      return value ? [[name, value]] : []
    }),
  )
}

/** The hosts that functions call to connect to the provider and use it. */
export function providerHosts(definition: ProviderDefinition, env: Environment): string[] {
  const { auth, api } = definition
  const config = { optional: (name: string) => env[name] || undefined }
  const urls = [auth.tokenUrl, api.baseUrl, ...(auth.revocation?.by === 'token' ? [auth.revocation.url] : [])]
  const hosts = urls.map((url) => new URL(fillAddress(definition, url, config)).host)
  return [...new Set([...hosts, ...(api.otherHosts ?? [])])]
}
