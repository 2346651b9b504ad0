/**
 * Where a request for `url` really goes. With a sandbox (its address without a trailing slash), the first path segment is the
 * provider's host: `https://www.googleapis.com/drive/v3/about?fields=user` becomes
 * `<sandboxUrl>/www.googleapis.com/drive/v3/about?fields=user`. Without one, `url` as it is.
 */
export function providerUrl(url: string, sandboxUrl?: string): string {
  if (sandboxUrl === undefined) return url
  const { host, pathname, search } = new URL(url)
  return `${sandboxUrl}/${host}${pathname}${search}`
}
