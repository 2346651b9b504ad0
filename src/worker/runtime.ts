import { readFileSync } from 'node:fs'
import { readConfig } from '../shared/config.ts'
import { PatchbayError } from '../shared/errors.ts'
import { providers } from '../shared/providers/registry.ts'
import { type Runtime, type RuntimeOptions, createRuntime } from '../shared/runtime.ts'

/**
 * The runtime of a Node process, from its environment; end its `sql` when done. `connections` says how many the process needs, given
 * how many syncs it may run at a time. Throws `config_invalid`.
 */
export function openRuntime(
  connections: (maxConcurrentSyncs: number) => number,
  extras: Pick<RuntimeOptions, 'metrics' | 'stopping' | 'logFields'> = {},
): Runtime {
  const config = readConfig(withCredentialsFiles(process.env))
  return createRuntime(config, {
    ...extras,
    connections: connections(config.maxConcurrentSyncs),
    print: (line) => process.stdout.write(`${line}\n`),
  })
}

/** A service account's key may come as a path here; the shared code takes its content, because an Edge Function has no files. */
function withCredentialsFiles(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const contents: Record<string, string> = {}
  for (const { auth } of providers) {
    const name = auth.serviceAccount?.env
    const path = name === undefined ? undefined : env[`${name}_PATH`]
    if (name !== undefined && path) contents[name] = readKeyFile(`${name}_PATH`, path)
  }
  return { ...env, ...contents }
}

function readKeyFile(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new PatchbayError('config_invalid', `The file that ${variable} names cannot be read.`, {
      cause: error,
      hint: 'Give the path of the JSON key that the provider made for the service account.',
    })
  }
}
