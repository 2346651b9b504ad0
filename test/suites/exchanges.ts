/** One request of our code to a provider, and the answer. */
export interface Exchange {
  method: string
  /** The provider's own address, not the sandbox's. */
  url: URL
  headers: Headers
  body: string | null
  /** Undefined: none came, or not all of it. */
  answer?: { status: number; headers: Headers; body: string }
}

/** Keeps what goes over the wire between our code and a provider. */
export class Exchanges {
  readonly #all: Exchange[] = []
  readonly #open = new Set<Promise<void>>()

  /** A fetch that keeps what it sends to the sandbox. */
  fetch(sandboxUrl: string): typeof fetch {
    return async (input, init) => {
      const request = new Request(input, init)
      if (!request.url.startsWith(`${sandboxUrl}/`)) return fetch(input, init)
      const { method, headers } = request
      const body = request.body === null ? null : await request.clone().text()
      const exchange: Exchange = { method, url: providersUrl(request.url, sandboxUrl), headers, body }
      this.#all.push(exchange)
      const response = await fetch(input, init)
      this.#keep(exchange, response.clone())
      return response
    }
  }

  /** The browser goes there, with the address that our code made. */
  addVisit(url: string, sandboxUrl: string): void {
    this.#all.push({ method: 'GET', url: providersUrl(url, sandboxUrl), headers: new Headers(), body: null })
  }

  /** All of them, once every answer has been read. */
  async all(): Promise<readonly Exchange[]> {
    await Promise.all(this.#open)
    return this.#all
  }

  #keep(exchange: Exchange, response: Response): void {
    const reading = readAnswer(exchange, response).finally(() => this.#open.delete(reading))
    this.#open.add(reading)
  }
}

async function readAnswer(exchange: Exchange, response: Response): Promise<void> {
  const { status, headers } = response
  // Cut off on its way: there is no whole answer.
  const body = await response.text().catch(() => undefined)
  if (body !== undefined) exchange.answer = { status, headers, body }
}

function providersUrl(url: string, sandboxUrl: string): URL {
  return new URL(`https:/${url.slice(sandboxUrl.length)}`)
}
