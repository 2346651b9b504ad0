import { corsHeaders } from '@supabase/supabase-js/cors'
import { PatchbayError } from './errors.ts'
import { asPatchbayError, errorResponse, logFailure } from './failure.ts'
import type { Logger } from './log.ts'
import { limitAddress } from './api/limiter.ts'
import { requireUser } from './api/require-user.ts'
import type { User } from './oauth/authenticate.ts'
import { equalBytes, sha256 } from './oauth/random.ts'
import { settleRefreshes } from './oauth/tokens.ts'
import type { Runtime } from './runtime.ts'

export type Handler = (request: Request, runtime: Runtime) => Promise<Response>
export type UserHandler = (request: Request, runtime: Runtime, user: User) => Promise<Response>

/**
 * An Edge Function, and who may call it. `none`: public by design, and the handler says what stands in. `user`: a signed-in user, by
 * JWT. `secret`: the scheduler, by the worker secret. Calls of all but the scheduler are counted, here or, with `countsItself`, as the
 * handler sees fit.
 */
export type Endpoint =
  | { auth: 'none'; handle: Handler; countsItself?: true }
  | { auth: 'secret'; handle: Handler }
  | { auth: 'user'; handle: UserHandler }

/** Where the runtime comes from; `log` works before there is one. */
export interface Host {
  openRuntime: () => Runtime
  log: Logger
  /** Keeps the isolate alive until `work` is done, although the request is answered. */
  inBackground: (work: Promise<void>) => void
}

/** Answers one request to an Edge Function. Whatever is thrown becomes `{ error: { code, message, hint } }`. */
export async function answerRequest(endpoint: Endpoint, request: Request, host: Host): Promise<Response> {
  const response = request.method === 'OPTIONS' ? new Response(null, { status: 204 }) : await answer(endpoint, request, host)
  if (endpoint.auth === 'secret') return response
  for (const [name, value] of Object.entries(corsHeaders)) response.headers.set(name, value)
  response.headers.set('access-control-expose-headers', 'retry-after')
  return response
}

async function answer(endpoint: Endpoint, request: Request, { openRuntime, log, inBackground }: Host): Promise<Response> {
  try {
    const runtime = openRuntime()
    // Once this is answered, the platform may end the isolate: not while a new token is on its way. Nobody waits for another's.
    return await handle(endpoint, request, runtime).finally(() => inBackground(settleRefreshes(runtime)))
  } catch (error) {
    const failure = asPatchbayError(error)
    logFailure(log, failure)
    return errorResponse(failure)
  }
}

async function handle(endpoint: Endpoint, request: Request, runtime: Runtime): Promise<Response> {
  if (endpoint.auth === 'secret') {
    await requireSecret(request, runtime.config.workerSecret)
    return endpoint.handle(request, runtime)
  }
  if (endpoint.auth === 'none' && endpoint.countsItself) return endpoint.handle(request, runtime)
  // Before anybody's JWT is checked, which may cost a request to the Auth server.
  await limitAddress(runtime, request)
  if (endpoint.auth === 'user') return endpoint.handle(request, runtime, await requireUser(request, runtime))
  return endpoint.handle(request, runtime)
}

async function requireSecret(request: Request, secret: string): Promise<void> {
  const [shown, expected] = await Promise.all([sha256(request.headers.get('authorization') ?? ''), sha256(`Bearer ${secret}`)])
  if (equalBytes(shown, expected)) return
  throw new PatchbayError('unauthorized', 'This function is for the scheduler.', {
    hint: 'Send the worker secret as Authorization: Bearer <secret>.',
  })
}
