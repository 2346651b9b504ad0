/** What the user does on a consent page. */
export interface ConsentChoice {
  deny?: boolean
  /** E-mail address; by default the account that the page suggests. */
  account?: string
  /** The scopes that stay ticked; by default all. */
  scopes?: readonly string[]
}

/**
 * Fetches a consent page, fills in its form and sends it. `authorizeUrl` is the sandbox's own URL, where an app sends the browser.
 * Returns the callback URL that the browser would be sent to. Throws when the provider shows an error page instead.
 */
export async function approveConsent(authorizeUrl: string, choice: ConsentChoice = {}): Promise<string> {
  const page = await fetch(authorizeUrl)
  const html = await page.text()
  const action = /<form[^>]*\saction="([^"]*)"/.exec(html)?.[1]
  if (!page.ok || action === undefined) throw new Error(`No consent page: ${page.status} ${pageText(html)}`)
  const answer = await fetch(new URL(unescapeHtml(action), page.url), {
    method: 'POST',
    body: fillIn(html, choice),
    redirect: 'manual',
  })
  const location = answer.headers.get('location')
  if (location === null) throw new Error(`The consent was refused: ${answer.status} ${pageText(await answer.text())}`)
  return location
}

function fillIn(html: string, { deny = false, account, scopes }: ConsentChoice): URLSearchParams {
  const form = new URLSearchParams()
  for (const [input] of html.matchAll(/<input[^>]*>/g)) {
    const name = attribute(input, 'name')
    const value = attribute(input, 'value')
    if (isChosen(input, name, value)) form.append(name, value)
  }
  form.set('decision', deny ? 'deny' : 'allow')
  return form

  function isChosen(input: string, name: string, value: string): boolean {
    const suggested = /\schecked[\s/>]/.test(input)
    if (name === 'account') return account === undefined ? suggested : value === account
    if (name === 'scope') return scopes === undefined ? suggested : scopes.includes(value)
    return true
  }
}

function attribute(tag: string, name: string): string {
  return unescapeHtml(new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? '')
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}

function pageText(html: string): string {
  const body = /<main>([^]*)<\/main>/.exec(html)?.[1] ?? html
  return unescapeHtml(
    body
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' ')
      .trim(),
  )
}
