import { InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { PatchbayError } from '../shared/errors.ts'
import type { ConnectedIntegration } from '../shared/oauth/connect.ts'
import type { ProviderDefinition } from '../shared/providers/define.ts'
import { findProvider, providers } from '../shared/providers/registry.ts'
import type { Runtime } from '../shared/runtime.ts'
import { reportFailure } from './failure.ts'
import { asOperator, print } from './operator.ts'

type Connect = (runtime: Runtime, definition: ProviderDefinition) => Promise<ConnectedIntegration>

/** Connects as the operator, in the environment's project, and prints what came of it; the process exits with 1 when it fails. */
export async function connectAsOperator(definition: () => ProviderDefinition, json: boolean, connect: Connect): Promise<void> {
  try {
    // Before the environment is read: a provider that cannot be meant needs none.
    const chosen = definition()
    await asOperator(1, async (runtime) => {
      const integration = await connect(runtime, chosen)
      print(json, integration, `${integration.accountLabel} is connected, as integration ${integration.id}.`)
    })
  } catch (error) {
    reportFailure(error)
  }
}

/**
 * The provider with this id, which must have `ability`; without an id, the only one that has it. `ability` is the part of a definition
 * that an operator's connection needs.
 */
export function findAbleProvider(ability: 'serviceAccount' | 'clientCredentials', id?: string): ProviderDefinition {
  const able = providers.filter(({ auth }) => ability in auth)
  const known = able.map((provider) => provider.id).join(', ') || 'none'
  if (id === undefined) {
    const [only, ...others] = able
    if (only && others.length === 0) return only
    throw new PatchbayError('invalid_request', `Say which provider, by --provider: ${known}.`)
  }
  const provider = findProvider(id)
  if (able.includes(provider)) return provider
  throw new PatchbayError('invalid_request', `${provider.name} has no such connection. These have: ${known}.`)
}

/** Reads the option `--user`. */
export function parseUserId(text: string): string {
  if (z.guid().safeParse(text).success) return text
  throw new InvalidArgumentError('A user is given by the UUID in auth.users.')
}
