import { PatchbayError } from '../errors.ts'
import type { ProviderApi } from '../http/provider-api.ts'
import type { Account, ProviderDefinition } from './define.ts'

/** Who the account is, by the provider's own word. Throws what the API throws, and `provider_answer_invalid`. */
export async function readAccount(api: ProviderApi, definition: ProviderDefinition): Promise<Account> {
  const { body } = await api.send(definition.account.request)
  try {
    return definition.account.read(body)
  } catch (error) {
    throw new PatchbayError('provider_answer_invalid', `${definition.name} did not say which account this is.`, {
      cause: error,
      context: { provider: definition.id },
    })
  }
}
