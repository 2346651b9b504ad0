import { approveConsent } from '../../sandbox/consent.ts'
import type { Platform } from '../services.ts'
import { Browser } from './browser.ts'
import type { Person } from './people.ts'

/** Where the demo's app would be; the callback sends the browser back there. */
export const appUrl = 'http://localhost:3000/settings'

/**
 * Connects Google Drive as a person does: the app asks for a start URL, the browser opens it, the person consents, and the callback
 * sends the browser back to the app.
 */
export async function connectDrive(platform: Platform, person: Person): Promise<void> {
  const response = await fetch(`${platform.url}/functions/v1/oauth-authorize`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${person.accessToken}`,
      apikey: platform.keys.publishableKey,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ provider: 'google-drive', redirect_to: appUrl }),
  })
  if (!response.ok) throw new Error(`oauth-authorize answered ${response.status}: ${await response.text()}`)
  const { url } = (await response.json()) as { url: string }

  const browser = new Browser()
  const consentPage = await browser.openRedirect(url, appUrl)
  const callback = await approveConsent(consentPage)
  const end = await browser.openRedirect(callback)
  if (new URL(end).searchParams.get('google-drive_connected') !== 'true') {
    throw new Error(`The connection ended at ${new URL(end).search} instead of google-drive_connected=true.`)
  }
}
