import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context, MiddlewareHandler, Next } from 'hono'
import type { Fault } from './admin-contract.ts'
import type { Faults } from './faults.ts'
import {
  jsonAnswer,
  providerPath,
  type ProviderErrors,
  type ProviderPlace,
  type SandboxEnv,
  type SandboxProvider,
} from './provider.ts'

const htmlPage =
  '<!DOCTYPE html><html><head><title>Service unavailable</title></head><body><h1>Try again later</h1></body></html>'
const fillerBytes = 65_536

/** Lets the next waiting fault happen to a request that it fits. `closing` cuts delays short when the sandbox stops. */
export function applyFault(faults: Faults, provider: SandboxProvider, closing: AbortSignal): MiddlewareHandler<SandboxEnv> {
  return async (c, next) => {
    const place = providerPath(c.req.path)
    const fault = faults.take({ ...place, method: c.req.method })
    if (fault === undefined) return next()
    c.set('fault', fault)
    return meet(fault, { place, errors: provider.errors, closing }, c, next)
  }
}

async function meet(
  fault: Fault,
  { place, errors, closing }: { place: ProviderPlace; errors: ProviderErrors; closing: AbortSignal },
  c: Context<SandboxEnv>,
  next: Next,
): Promise<Response | void> {
  switch (fault.type) {
    case 'rate-limit': {
      const answer = jsonAnswer(errors.rateLimit(place))
      if (fault.retryAfterSeconds !== undefined) answer.headers.set('retry-after', String(fault.retryAfterSeconds))
      return answer
    }
    case 'quota':
      return jsonAnswer(errors.quota(place))
    case 'unauthorized':
      return jsonAnswer(errors.unauthorized(place))
    case 'forbidden':
      return jsonAnswer(errors.forbidden(place))
    case 'not-found':
      return jsonAnswer(errors.notFound(place))
    case 'server-error':
      return fault.html ? htmlAnswer(fault.status) : jsonAnswer(errors.serverError(place, fault.status))
    case 'html':
      return htmlAnswer(200)
    case 'error':
      return givenAnswer(fault)
    case 'huge-body':
      return new Response(filler(fault.bytes), { headers: { 'content-type': 'application/json; charset=UTF-8' } })
    case 'delay':
      await sleep(fault.ms, undefined, { signal: closing }).catch(() => {})
      return closing.aborted ? unanswered(c) : next()
    case 'empty-page':
      c.set('itemLimit', 0)
      return next()
    case 'short-page':
      c.set('itemLimit', fault.items)
      return next()
    case 'timeout':
      await once(c.env.outgoing, 'close')
      return unanswered(c)
    case 'lost-response':
      await next()
      return breakOff(c)
    case 'cut-body':
      await next()
      await sendHalf(c)
      return breakOff(c)
  }
}

function unanswered(c: Context<SandboxEnv>): Response {
  c.set('unanswered', true)
  return RESPONSE_ALREADY_SENT
}

function htmlAnswer(status: number): Response {
  return new Response(htmlPage, { status, headers: { 'content-type': 'text/html; charset=UTF-8' } })
}

function givenAnswer({ status, body, headers }: Extract<Fault, { type: 'error' }>): Response {
  if (typeof body !== 'string') return jsonAnswer({ status, body, headers })
  return new Response(body, { status, headers: { 'content-type': 'text/plain; charset=UTF-8', ...headers } })
}

async function sendHalf(c: Context<SandboxEnv>): Promise<void> {
  const body = new Uint8Array(await c.res.arrayBuffer())
  const { outgoing } = c.env
  outgoing.writeHead(c.res.status, { ...Object.fromEntries(c.res.headers), 'content-length': String(body.length + 1) })
  await new Promise<void>((resolve) => outgoing.write(body.subarray(0, Math.floor(body.length / 2)), () => resolve()))
}

function breakOff(c: Context<SandboxEnv>): void {
  c.env.outgoing.destroy()
  // Assigned twice: the first drops the answer that the handler made, headers included.
  c.res = undefined
  c.res = unanswered(c)
}

function filler(bytes: number): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let left = bytes
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode('{"filler":"'))
    },
    pull(controller) {
      const size = Math.min(left, fillerBytes)
      left -= size
      if (size > 0) return controller.enqueue(new Uint8Array(size).fill(120))
      controller.enqueue(encoder.encode('"}'))
      controller.close()
    },
  })
}
