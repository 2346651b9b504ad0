import { randomUUID } from 'node:crypto'
import type { BrowserContext, Page } from 'playwright-core'
import type { ProviderStatus } from '../../src/client/contract.ts'

/** What the app's page shows of a connection: what the client has resolved with, or thrown. */
export type Result = ProviderStatus | { code: string; message: string } | null

export type Flow = 'server' | 'client'

interface Options {
  browser: BrowserContext
  settingsUrl: string
  sandboxUrl: string
}

/** A person with a browser of their own. */
export class Person {
  readonly browser: BrowserContext
  /** Every address that the browser has asked for. */
  readonly requested: string[] = []
  /** Every line of the console. */
  readonly console: string[] = []
  readonly #settingsUrl: string
  readonly #sandboxUrl: string

  constructor({ browser, settingsUrl, sandboxUrl }: Options) {
    this.browser = browser
    this.#settingsUrl = settingsUrl
    this.#sandboxUrl = sandboxUrl
    browser.on('request', (request) => void this.requested.push(request.url()))
    browser.on('console', (message) => void this.console.push(message.text()))
    browser.on('weberror', (error) => void this.console.push(String(error.error())))
  }

  /** The tab that the app is in. */
  get page(): Page {
    const [page] = this.browser.pages()
    if (!page) throw new Error('The browser has no tab.')
    return page
  }

  async signUp(): Promise<void> {
    await this.page.goto(this.#settingsUrl)
    const email = `${randomUUID()}@example.com`
    await this.page.fill('[name=email]', email)
    await this.page.fill('[name=password]', randomUUID())
    await this.page.click('text=Sign up')
    await this.page.waitForSelector(`#user >> text=${email}`)
  }

  /** From the button on the app's page back to that page. */
  async connect(provider: string, flow: Flow, decision: 'allow' | 'deny' = 'allow'): Promise<Result> {
    await this.page.click(`[data-provider=${provider}][data-flow=${flow}]`)
    await this.decide(decision)
    return this.result()
  }

  /** Answers the provider's consent page. */
  async decide(decision: 'allow' | 'deny'): Promise<void> {
    await this.page.click(`[name=decision][value=${decision}]`).catch((cause: unknown) => this.#fail('no consent page', cause))
  }

  /** What the app's page shows, once it has completed what there was to complete. */
  async result(): Promise<Result> {
    const shown = this.page.locator('#result:not(:empty)')
    const text = await shown.textContent().catch((cause: unknown) => this.#fail('no result', cause))
    return JSON.parse(text ?? '') as Result
  }

  /** Agrees, and keeps the address that the provider then sends the browser to, which stays where it is. */
  async withholdCallback(): Promise<string> {
    const callback = Promise.withResolvers<string>()
    await this.page.route(`${this.#sandboxUrl}/**`, async (route) => {
      const answer = await route.fetch({ maxRedirects: 0 })
      callback.resolve(answer.headers()['location'] ?? `no address, but status ${answer.status()}`)
      await route.fulfill({ status: 204 })
    })
    await this.decide('allow')
    const url = await callback.promise
    await this.page.unroute(`${this.#sandboxUrl}/**`)
    return url
  }

  /** Asks for a start URL, and does not go there. */
  async startUrl(provider: string): Promise<string> {
    return this.page.evaluate<string>(`patchbay.connect('${provider}', { navigate: false }).then(({ url }) => url)`)
  }

  status(provider: string): Promise<ProviderStatus> {
    return this.page.evaluate<ProviderStatus>(`patchbay.status('${provider}')`)
  }

  /** Goes on from a page by a link there. Resolves with the status of what the link leads to, once the browser is where that ends. */
  async followLink(page: Page, url: string): Promise<number> {
    const [answer] = await Promise.all([
      page.waitForResponse(url),
      page.waitForEvent('framenavigated'),
      page.evaluate(`void Object.assign(document.createElement('a'), { href: ${JSON.stringify(url)} }).click()`),
    ])
    return answer.status()
  }

  /** The names of the cookies that bind a connection to this browser. */
  async bindingCookies(): Promise<string[]> {
    return (await this.browser.cookies()).map(({ name }) => name).filter((name) => name.startsWith('__Host-'))
  }

  /** Everything that is left in the browser, by where it is. The page's address is the last of its history. */
  async remains(): Promise<Record<string, string>> {
    const session = await this.browser.newCDPSession(this.page)
    const { entries } = await session.send('Page.getNavigationHistory')
    const addresses = entries.map(({ url }) => url)
    const stored = `JSON.stringify(Object.entries(localStorage).filter(([key]) => !/^sb-.*-auth-token$/.test(key)))`
    return {
      history: addresses.filter((url) => !url.startsWith(this.#sandboxUrl)).join('\n'),
      "provider's history": addresses.filter((url) => url.startsWith(this.#sandboxUrl)).join('\n'),
      localStorage: await this.page.evaluate<string>(stored),
      sessionStorage: await this.page.evaluate<string>('JSON.stringify(sessionStorage)'),
      cookies: (await this.browser.cookies()).map(({ name, value }) => `${name}=${value}`).join('\n'),
      console: this.console.join('\n'),
      page: await this.page.content(),
    }
  }

  async #fail(what: string, cause: unknown): Promise<never> {
    const text = await this.page.innerText('body').catch(() => '')
    throw new Error(`There is ${what} at ${this.page.url()}:\n${text}`, { cause })
  }
}
