import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'

export interface TestServer extends AsyncDisposable {
  /** Without a trailing slash. */
  url: string
  /** What has arrived. */
  requests: IncomingMessage[]
}

/** A real HTTP server on a free port. Its answers are given one after the other; the last one stays. */
export async function startServer(...answers: [RequestListener, ...RequestListener[]]): Promise<TestServer> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    const answer = answers[Math.min(requests.length, answers.length) - 1]
    answer?.(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Answers with JSON. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): RequestListener {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', ...headers }).end(JSON.stringify(body))
  }
}

/** Answers with a body of any type. */
export function text(body: string, contentType: string, status = 200): RequestListener {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': contentType }).end(body)
  }
}
