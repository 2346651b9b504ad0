import { PatchbayError } from '../errors.ts'
import { asPatchbayError, logFailure } from '../failure.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import { seeOther } from '../responses.ts'
import type { Runtime } from '../runtime.ts'
import { setBrowserCookie } from './browser-cookie.ts'
import { authorizationUrl, newCodeVerifier } from './client.ts'
import { randomSecret, sha256 } from './random.ts'
import { isFromApp, resultUrl } from './redirects.ts'
import { providerInPath, requireMethod } from './request.ts'
import { openTicket, unknownState } from './states.ts'
import { encryptVerifier } from './verifier.ts'

/**
 * `GET /oauth-start/<provider>?ticket=…`, by the browser of the user who asked to connect: uses up the ticket, gives the browser a cookie
 * and sends it to the provider. A ticket that is used up or too old sends it back to the app, with `<provider>_error=state_invalid`.
 */
export async function handleStart(request: Request, runtime: Runtime): Promise<Response> {
  requireMethod(request, 'GET')
  const definition = providerInPath(request)
  const { config } = runtime
  // Somebody's start URL, opened by somebody else, would connect that one's account to the first one's user. So it works from the app's
  // own pages only: no other page can send their address as the referrer (docs/decisions/0005).
  if (!isFromApp(config, request)) {
    throw new PatchbayError('forbidden', 'A connection begins on a page of the app.', {
      hint: 'Go to the start URL by a link or location.href, on a page of an origin in CONNECTOR_REDIRECT_URLS whose Referrer-Policy is not no-referrer.',
    })
  }

  try {
    return await openStartUrl(request, runtime, definition)
  } catch (error) {
    const failure = asPatchbayError(error)
    logFailure(runtime.log, failure)
    return seeOther(resultUrl(config.redirectUrls[0], definition.id, failure.code))
  }
}

async function openStartUrl(request: Request, runtime: Runtime, definition: ProviderDefinition): Promise<Response> {
  const { config, sql } = runtime
  const ticket = new URL(request.url).searchParams.get('ticket') ?? ''
  const state = randomSecret()
  const stateHash = await sha256(state)
  const browser = randomSecret()
  const codeVerifier = newCodeVerifier(definition)
  const opened = await openTicket(sql, await sha256(ticket), definition.id, {
    stateHash,
    browserHash: await sha256(browser),
    codeVerifierJwe: await encryptVerifier(config, stateHash, codeVerifier),
  })
  if (!opened) throw unknownState()
  const location = await authorizationUrl(runtime, definition, { ...opened, state, codeVerifier })
  return seeOther(location, await setBrowserCookie(state, browser))
}
