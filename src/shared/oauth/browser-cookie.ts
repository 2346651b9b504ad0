import { sha256 } from './random.ts'

/** As long as the transaction itself, in seconds. */
const maxAge = 600

// Lax, because the callback is a cross-site navigation by GET. The `__Host-` prefix makes browsers refuse a cookie of that name that
// comes from a subdomain, from http or with another path. https://datatracker.ietf.org/doc/html/rfc6265bis#section-4.1.3
const attributes = 'Path=/; HttpOnly; Secure; SameSite=Lax'

/** The `Set-Cookie` that binds the transaction of `state` to this browser. */
export async function setBrowserCookie(state: string, value: string): Promise<string> {
  return `${await cookieName(state)}=${value}; ${attributes}; Max-Age=${maxAge}`
}

/** The `Set-Cookie` that forgets it. */
export async function clearBrowserCookie(state: string): Promise<string> {
  return `${await cookieName(state)}=; ${attributes}; Max-Age=0`
}

/** The value that this browser was given for the transaction of `state`; undefined when it has none. */
export async function readBrowserCookie(request: Request, state: string): Promise<string | undefined> {
  const prefix = `${await cookieName(state)}=`
  const cookies = (request.headers.get('cookie') ?? '').split(';').map((cookie) => cookie.trim())
  return cookies.find((cookie) => cookie.startsWith(prefix))?.slice(prefix.length)
}

/** One cookie a transaction, so that two tabs can connect at the same time. */
async function cookieName(state: string): Promise<string> {
  const digest = await sha256(`cookie ${state}`)
  return `__Host-patchbay-${Array.from(digest.slice(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
