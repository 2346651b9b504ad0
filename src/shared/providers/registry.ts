import { PatchbayError } from '../errors.ts'
import type { FileStream } from '../sync/stream.ts'
import type { ProviderDefinition } from './define.ts'
import { providers } from './registry.generated.ts'

export { providers }

/** The provider with this id, as in URLs and in `integrations.provider`. Throws `unknown_provider`. */
export function findProvider(id: string): ProviderDefinition {
  const provider = providers.find((candidate) => candidate.id === id)
  if (provider) return provider
  const known = providers.map((candidate) => candidate.id).join(', ')
  throw new PatchbayError('unknown_provider', `There is no provider ${quote(id)}. Known: ${known}.`)
}

/** The stream that reads endpoints of this `endpoint_type`, and whose it is. Throws `unknown_provider`. */
export function streamFor(endpointType: string): { provider: ProviderDefinition; stream: FileStream } {
  for (const provider of providers) {
    const stream = Object.hasOwn(provider.streams, endpointType) ? provider.streams[endpointType] : undefined
    if (stream) return { provider, stream }
  }
  const known = providers.flatMap((provider) => Object.keys(provider.streams)).join(', ')
  throw new PatchbayError('unknown_provider', `There is no endpoint_type ${quote(endpointType)}. Known: ${known}.`)
}

/** A name as it was given, if it can be one: whatever else stands in its place may be a secret, and is not for logs. */
export function quote(name: string): string {
  return /^[\w-]{1,63}$/.test(name) ? `"${name}"` : 'of that name'
}
