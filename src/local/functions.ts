import { join } from 'node:path'
import { proxy } from 'hono/proxy'
import { readFunctionConfig, type FunctionConfig } from './function-config.ts'
import { startFunction, type DenoVersion, type FunctionProcess } from './function-process.ts'
import { isValidJwt, type Keys } from './keys.ts'

export interface FunctionsOptions {
  /** The folder that contains `supabase/functions`. */
  projectDir: string
  /** Gets Deno's cache and, in `logs`, what each function prints. */
  dataDir: string
  keys: Keys
  /** All that a function can read from its environment. */
  env: Readonly<Record<string, string>>
  /** The hosts that functions may reach, such as `127.0.0.1:54322`; without a port, every port. */
  allowHosts: readonly string[]
  denoVersion: DenoVersion
  /** How long a function may take to answer, in milliseconds. */
  wallClockMs: number
}

/** Edge Functions, each in a Deno process of its own. */
export interface Functions {
  /** Answers a request for `/functions/v1/<name>/…`; the function sees `/<name>/…`. */
  fetch(request: Request): Promise<Response>
  stop(): Promise<void>
}

/** Serves `supabase/functions`. A function starts with its first request, and again with the first one after it has ended. */
export function serveFunctions(options: FunctionsOptions): Functions {
  const { projectDir, dataDir, keys, env, allowHosts, denoVersion, wallClockMs } = options
  const processes = new Map<string, Promise<FunctionProcess>>()

  function running(name: string, config: FunctionConfig): Promise<FunctionProcess> {
    const current = processes.get(name)
    if (current) return current
    const denoDir = join(dataDir, denoVersion)
    const logPath = join(dataDir, 'logs', `${name}.log`)
    const started = startFunction({ name, config, projectDir, env, allowHosts, denoVersion, denoDir, logPath })
    processes.set(name, started)
    const forget = () => {
      if (processes.get(name) === started) processes.delete(name)
    }
    started.then((process) => process.exited).then(forget, forget)
    return started
  }

  return {
    async fetch(request) {
      const url = new URL(request.url)
      const [, name = ''] = /^\/functions\/v1\/([A-Za-z][\w-]*)(?=\/|$)/.exec(url.pathname) ?? []
      const config = name === '' ? undefined : await readFunctionConfig(projectDir, name)
      if (config === undefined) return refuse(404, 'NOT_FOUND', 'Requested function was not found')
      // A preflight request carries no credentials.
      if (config.verifyJwt && request.method !== 'OPTIONS' && !(await isAuthenticated(request, keys))) {
        return refuse(401, 'UNAUTHORIZED', 'A valid JWT in the Authorization header, or an API key, is required')
      }

      const process = await running(name, config).catch((error: Error) => error)
      if (process instanceof Error) return refuse(503, 'BOOT_ERROR', process.message)
      const target = process.origin + url.pathname.slice('/functions/v1'.length) + url.search
      return forward(request, target, process, wallClockMs)
    },
    async stop() {
      const ending = [...processes.values()].map((started) => started.then((process) => process.stop()))
      await Promise.allSettled(ending)
    },
  }
}

/** As hosted: a JWT that verifies, or any of the project's keys, on either header. It does not say who calls. */
async function isAuthenticated(request: Request, keys: Keys): Promise<boolean> {
  const bearer = request.headers.get('authorization')?.replace(/^Bearer\s+/i, '')
  const shown = [request.headers.get('apikey'), bearer]
  const known = [keys.publishableKey, keys.secretKey, keys.anonKey, keys.serviceRoleKey]
  if (known.some((key) => shown.includes(key))) return true
  return bearer !== undefined && isValidJwt(bearer, keys.jwtSecret)
}

async function forward(request: Request, target: string, process: FunctionProcess, wallClockMs: number): Promise<Response> {
  const { host, port, protocol } = new URL(request.url)
  const headers = new Headers(request.headers)
  headers.set('x-forwarded-for', '127.0.0.1')
  headers.set('x-forwarded-host', host)
  headers.set('x-forwarded-port', port)
  headers.set('x-forwarded-proto', protocol.slice(0, -1))
  const timeout = AbortSignal.timeout(wallClockMs)
  try {
    const signal = AbortSignal.any([timeout, request.signal])
    const response = await proxy(target, { raw: request, headers, redirect: 'manual', signal })
    return asHosted(request, response)
  } catch {
    if (request.signal.aborted) return refuse(499, 'CLIENT_CLOSED', 'The caller has gone')
    // It hangs or it has crashed: the next request gets a new one.
    await process.stop()
    if (!timeout.aborted) return refuse(500, 'WORKER_ERROR', 'Function exited due to an error (please check logs)')
    return refuse(504, 'IDLE_TIMEOUT', `The function gave no answer within ${wallClockMs} ms`)
  }
}

// Without a custom domain, hosted turns pages into text. https://supabase.com/docs/guides/functions/limits
function asHosted(request: Request, response: Response): Response {
  if (request.method !== 'GET' || !response.headers.get('content-type')?.startsWith('text/html')) return response
  const plain = new Response(response.body, response)
  plain.headers.set('content-type', 'text/plain')
  return plain
}

function refuse(status: number, code: string, message: string): Response {
  return Response.json({ code, message }, { status })
}
