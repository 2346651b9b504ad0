import { join } from 'node:path'
import { proxy } from 'hono/proxy'
import { readFunctionConfig, type FunctionConfig } from './function-config.ts'
import { startFunction, type DenoVersion, type FunctionProcess } from './function-process.ts'
import { isValidJwt, type Keys } from './keys.ts'

export interface FunctionsOptions {
  /** The folder that contains `supabase/functions`. */
  projectDir: string
  /** Gets Deno's cache and the functions' logs. */
  dataDir: string
  keys: Keys
  /** All that a function can read from its environment. */
  env: Readonly<Record<string, string>>
  /** The hosts that functions may reach; `127.0.0.1` without a port means every local port. */
  allowHosts: readonly string[]
  denoVersion: DenoVersion
  /** How long a function may take to answer, in milliseconds; hosted, 150,000. */
  wallClockMs: number
}

/** Edge Functions, each in a Deno process of its own. */
export interface Functions {
  /** Answers a request for `/functions/v1/<name>/…`; the function sees `/<name>/…`. */
  fetch(request: Request): Promise<Response>
  stop(): Promise<void>
}

/** Serves `supabase/functions`. A function starts with its first request, and again with the next one after it has ended. */
export function serveFunctions(options: FunctionsOptions): Functions {
  const processes = new Map<string, Promise<FunctionProcess>>()

  async function running(name: string, config: FunctionConfig): Promise<FunctionProcess> {
    const current = await processes.get(name)?.catch(() => undefined)
    if (current && !current.hasExited()) return current
    return processes.get(name) ?? start(name, config)
  }
  void running

  function start(name: string, config: FunctionConfig): Promise<FunctionProcess> {
    const { env, allowHosts, denoVersion, dataDir } = options
    const denoDir = join(dataDir, denoVersion)
    const logPath = join(dataDir, 'logs', `${name}.log`)
    const started = startFunction({ name, config, env, allowHosts, denoVersion, denoDir, logPath })
    processes.set(name, started)
    return started
  }

  return { fetch: async () => new Response(), stop: async () => {} }
}
