/**
 * Where a request for `url` really goes. With a sandbox (its address without a trailing slash), the first path segment is the
 * provider's host: `https://api.example.com/v1/me?fields=name` becomes
 * `<sandboxUrl>/api.example.com/v1/me?fields=name`. Without one, `url` as it is.
 */
export function providerUrl(url: string, sandboxUrl?: string): string {
  if (sandboxUrl === undefined) return url
  const { host, pathname, search } = new URL(url)
  return `${sandboxUrl}/${host}${pathname}${search}`
}
