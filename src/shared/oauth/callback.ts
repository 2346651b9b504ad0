import { type ErrorCode, PatchbayError } from '../errors.ts'
import { asPatchbayError, logFailure } from '../failure.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import { seeOther } from '../responses.ts'
import type { Runtime } from '../runtime.ts'
import { clearBrowserCookie, readBrowserCookie } from './browser-cookie.ts'
import { recordFailedConnect } from './audit.ts'
import { handleComplete } from './complete.ts'
import { connectByCode } from './connect.ts'
import { originOf } from './origin.ts'
import { equalBytes, sha256 } from './random.ts'
import { resultUrl } from './redirects.ts'
import { providerInPath, requireMethod } from './request.ts'
import { type Transaction, takeTransaction, unknownState } from './states.ts'

/** `/oauth-callback`: GET is the provider sending a browser, POST the app handing in a code. */
export async function handleCallback(request: Request, runtime: Runtime): Promise<Response> {
  requireMethod(request, 'GET', 'POST')
  return request.method === 'POST' ? handleComplete(request, runtime) : handleRedirect(request, runtime, providerInPath(request))
}

/**
 * Always answers 303 to the app, with `<provider>_connected=true` or `<provider>_error=<code>`. Without a valid state nobody's page is
 * known, so the user lands on the app's first one: that is an address of the operator's, and kinder than JSON to someone who has only
 * pressed "reload" or been slow.
 */
async function handleRedirect(request: Request, runtime: Runtime, definition: ProviderDefinition): Promise<Response> {
  const parameters = new URL(request.url).searchParams
  const states = parameters.getAll('state')
  const [state] = states
  let redirectTo = runtime.config.redirectUrls[0]
  let result: 'connected' | ErrorCode = 'connected'
  const origin = originOf(request, 'oauth-callback')
  let transaction: Transaction | undefined
  try {
    // How some providers tell that the user declined: by no word at all.
    if (parameters.size === 0) throw new PatchbayError('access_denied', `Access to ${definition.name} was not granted.`)
    if (state === undefined || states.length > 1) throw unknownState()
    const stateHash = await sha256(state)
    // Out of the table first: whatever follows, this state is used up.
    transaction = await takeTransaction(runtime.sql, stateHash)
    if (transaction?.stage !== 'server' || transaction.provider !== definition.id) throw unknownState()
    redirectTo = transaction.redirectTo
    await requireSameBrowser(request, state, transaction)
    requireSingle(parameters)
    const requireIssuer = definition.auth.issuerInResponse
    await connectByCode(runtime, definition, { transaction, stateHash, parameters, state, requireIssuer, origin })
  } catch (error) {
    const failure = asPatchbayError(error)
    logFailure(runtime.log, failure)
    await recordFailedConnect(runtime, transaction, failure, origin)
    result = failure.code
  }
  const cookie = state === undefined ? undefined : await clearBrowserCookie(state)
  return seeOther(resultUrl(redirectTo, definition.id, result), cookie)
}

/** The browser that comes back must be the one that left: else somebody was sent here with another's state. */
async function requireSameBrowser(request: Request, state: string, { browserHash }: Transaction): Promise<void> {
  const shown = await readBrowserCookie(request, state)
  if (shown !== undefined && browserHash !== null && equalBytes(await sha256(shown), browserHash)) return
  throw new PatchbayError('browser_mismatch', 'This is not the browser that began the connection.', {
    hint: 'Connect again, in one browser.',
  })
}

/** RFC 6749 §3.1: parameters must not occur twice, lest two readers see two of them. */
function requireSingle(parameters: URLSearchParams): void {
  const repeated = [...parameters.keys()].find((name) => parameters.getAll(name).length > 1)
  if (repeated !== undefined) throw new PatchbayError('invalid_request', 'The answer of the provider has a parameter twice.')
}
