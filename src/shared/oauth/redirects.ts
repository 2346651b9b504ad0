import type { Config } from '../config.ts'
import { type ErrorCode, PatchbayError } from '../errors.ts'
import type { ProviderDefinition } from '../providers/define.ts'

/** Our own callback, on whatever host the functions are reached. */
const callbackPath = /\/oauth-callback\/[a-z][a-z0-9-]*$/

/**
 * `target` as a normalised URL, when it is a listed page or below one. Throws `redirect_not_allowed`. Compares parsed parts, never
 * text: `https://app.example.evil.com` begins like `https://app.example` and is another host.
 */
export function allowedRedirect(config: Config, target: string): string {
  const url = parsePlainUrl(target)
  const allowed = url && config.redirectUrls.some((listed) => isBelow(url, new URL(listed)))
  if (!allowed) {
    throw new PatchbayError('redirect_not_allowed', 'Users may not be sent back to that address.', {
      hint: 'Use a page that CONNECTOR_REDIRECT_URLS lists, or one below it.',
    })
  }
  return url.href
}

/** Whether the browser says that it comes from a page of the app. */
export function isFromApp(config: Config, request: Request): boolean {
  const referer = request.headers.get('referer')
  if (referer === null || !URL.canParse(referer)) return false
  const { origin } = new URL(referer)
  return config.redirectUrls.some((listed) => new URL(listed).origin === origin)
}

/**
 * The addresses of the server-driven form. The provider's own redirect variable decides the host when it names our
 * callback, as with a custom domain; start and callback are on one host, because the cookie is.
 */
export function serverUrls(config: Config, { id, auth }: ProviderDefinition): { start: string; callback: string } {
  const configured = config.optional(auth.env.redirectUri)
  const base =
    configured !== undefined && callbackPath.test(configured) ? configured.replace(callbackPath, '') : config.functionsUrl
  return { start: `${base}/oauth-start/${id}`, callback: `${base}/oauth-callback/${id}` }
}

/**
 * Where the provider sends the browser in the client-driven form: a page of the app. `asked` must be allowed; without it, the provider's
 * own variable names the page.
 */
export function clientRedirectUri(config: Config, { auth }: ProviderDefinition, asked: string | undefined): string {
  if (asked !== undefined) return allowedRedirect(config, asked)
  const configured = config.optional(auth.env.redirectUri)
  if (configured !== undefined && !callbackPath.test(configured)) return configured
  throw new PatchbayError('invalid_request', 'The client-driven form needs a page of the app that takes the code.', {
    hint: `Send redirect_uri, or set ${auth.env.redirectUri} to that page.`,
    context: { field: 'redirect_uri' },
  })
}

/** The app's address that tells how it went: `…?<provider>_connected=true` or `…?<provider>_error=<code>`. */
export function resultUrl(redirectTo: string, providerId: string, result: 'connected' | ErrorCode): string {
  const url = new URL(redirectTo)
  url.searchParams.delete(`${providerId}_connected`)
  url.searchParams.delete(`${providerId}_error`)
  if (result === 'connected') url.searchParams.set(`${providerId}_connected`, 'true')
  else url.searchParams.set(`${providerId}_error`, result)
  return url.href
}

function isBelow(url: URL, listed: URL): boolean {
  if (url.origin !== listed.origin) return false
  const folder = listed.pathname.endsWith('/') ? listed.pathname : `${listed.pathname}/`
  return url.pathname === listed.pathname || url.pathname.startsWith(folder)
}

/** Refuses what readers of URLs disagree about: user names, backslashes, escaped separators, control characters and spaces. */
function parsePlainUrl(text: string): URL | undefined {
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\u0000-\u0020\\\u007f]/.test(text) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  const hasUser = /^[^/]*\/\/[^/?#]*@/.test(text)
  return hasUser || /%2f|%5c/i.test(url.pathname) ? undefined : url
}
