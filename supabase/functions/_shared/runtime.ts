import { type Environment, readConfig } from '../../../src/shared/config.ts'
import { createLogger } from '../../../src/shared/log.ts'
import { type Runtime, createRuntime } from '../../../src/shared/runtime.ts'

/** Few, because every isolate has its own and the database's are counted. */
const connections = 3

let runtime: Runtime | undefined

/** This isolate's runtime, made with the first request. Throws `config_invalid`. */
export function openRuntime(): Runtime {
  runtime ??= createRuntime(readConfig(environment), { connections, print })
  return runtime
}

/** Works before there is a configuration. */
export const log = createLogger('info', print, Date.now)

// Read name by name: an isolate may be forbidden to list its variables, or to read one that is not set.
const environment: Environment = new Proxy({}, { get: (_target, name) => readVariable(String(name)) })

function readVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name)
  } catch {
    return undefined
  }
}

function print(line: string): void {
  console.log(line)
}
