import { approveConsent } from '../../sandbox/consent.ts'
import type { ProviderStatus } from '../../client/contract.ts'
import { createPatchbay } from '../../client/create-patchbay.ts'
import { Browser } from './browser.ts'
import type { Person } from './people.ts'

/** Where the demo's app would be; the callback sends the browser back there. */
export const appUrl = 'http://localhost:3000/settings'

/**
 * Connects a provider as a person does: the app asks for a start URL, the browser opens it, the person consents, and the callback sends
 * the browser back to the app, whose page completes the connection. Throws when the person does not come back connected.
 */
export async function connectProvider(person: Person, provider: string, page: string = appUrl): Promise<ProviderStatus> {
  const patchbay = createPatchbay(person.supabase)
  const { url } = await patchbay.connect(provider, { redirectTo: page, navigate: false })
  const browser = new Browser()
  const consentPage = await browser.openRedirect(url, page)
  const callback = await approveConsent(consentPage)
  const end = await browser.openRedirect(callback)
  const status = await patchbay.completeConnection(end)
  if (!status?.connected) throw new Error(`The connection of ${provider} ended as ${status?.status ?? 'nothing'}.`)
  return status
}
