/** As much of a browser as a consent needs: it follows no redirect by itself, and keeps cookies by host. */
export class Browser {
  private readonly cookies = new Map<string, Map<string, string>>()

  /** Opens `url` as a link on the page `from` would, and gives the address that the answer redirects to. */
  async openRedirect(url: string, from?: string): Promise<string> {
    const host = new URL(url).host
    const headers = new Headers({ accept: 'text/html' })
    const jar = this.cookies.get(host) ?? new Map<string, string>()
    if (jar.size > 0) headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
    // By default browsers send the origin of the page, and no more, to another host.
    if (from !== undefined) headers.set('referer', `${new URL(from).origin}/`)

    const response = await fetch(url, { headers, redirect: 'manual' })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (name !== undefined && value !== undefined) jar.set(name, value)
    }
    this.cookies.set(host, jar)

    const location = response.headers.get('location')
    if (location === null) throw new Error(`${host} answered ${response.status} instead of a redirect: ${await response.text()}`)
    return new URL(location, url).href
  }
}
