import { setTimeout as sleep } from 'node:timers/promises'
import type { IntegrationStatus, ProviderStatus } from '../../client/contract.ts'
import type { Patchbay } from '../../client/create-patchbay.ts'
import { connectPageUrl, serveConnectPage } from './connect-page.ts'

const pollMs = 2_000

/**
 * Waits until a person has connected the provider in a browser, which `open` gets the address for. Throws PatchbayClientError when the
 * connection fails, and AbortError with `signal`.
 */
export async function connectInBrowser(
  patchbay: Patchbay,
  provider: string,
  { open, signal }: { open: (url: string) => void; signal: AbortSignal },
): Promise<ProviderStatus> {
  const before = await patchbay.integrations()
  await using page = await serveConnectPage(patchbay, provider)
  open(connectPageUrl)
  const waiting = new AbortController()
  try {
    const connected = untilConnected(patchbay, provider, before, AbortSignal.any([signal, waiting.signal]))
    return await Promise.race([page.completed, connected])
  } finally {
    waiting.abort()
  }
}

/** Looks at the integrations: the browser may be on a machine from where it does not find back to the page. */
async function untilConnected(
  patchbay: Patchbay,
  provider: string,
  before: readonly IntegrationStatus[],
  signal: AbortSignal,
): Promise<ProviderStatus> {
  const connectedBefore = new Set(before.filter(({ connected }) => connected).map(({ integrationId }) => integrationId))
  for (;;) {
    await sleep(pollMs, undefined, { signal })
    const now = await patchbay.integrations()
    const fresh = now.find((each) => each.provider === provider && each.connected && !connectedBefore.has(each.integrationId))
    if (fresh) return patchbay.status(provider, { integrationId: fresh.integrationId ?? undefined })
  }
}

/** Where the provider has to send the browser back to, for the app's registration there. */
export async function redirectUrlOf(patchbay: Patchbay, provider: string): Promise<string> {
  const { url } = await patchbay.connect(provider, { redirectTo: connectPageUrl, navigate: false })
  const { origin, pathname } = new URL(url)
  return origin + pathname.replace('/oauth-start/', '/oauth-callback/')
}
