import { readFileSync } from 'node:fs'
import { readConfig } from '../shared/config.ts'
import { PatchbayError } from '../shared/errors.ts'
import { type Runtime, createRuntime } from '../shared/runtime.ts'

/**
 * The runtime of a Node process, from its environment; end its `sql` when done. `connections` says how many the process needs, given
 * how many syncs it may run at a time. Throws `config_invalid`.
 */
export function openRuntime(connections: (maxConcurrentSyncs: number) => number): Runtime {
  const config = readConfig(withCredentialsFile(process.env))
  return createRuntime(config, {
    connections: connections(config.maxConcurrentSyncs),
    print: (line) => process.stdout.write(`${line}\n`),
  })
}

/** The service account's key comes as a path here; the shared code takes its content, because an Edge Function has no files. */
function withCredentialsFile(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const path = env['CONNECTOR_GOOGLE_DRIVE_CREDENTIALS_PATH']
  if (!path) return env
  try {
    return { ...env, CONNECTOR_GOOGLE_DRIVE_CREDENTIALS: readFileSync(path, 'utf8') }
  } catch (error) {
    throw new PatchbayError('config_invalid', 'The file that CONNECTOR_GOOGLE_DRIVE_CREDENTIALS_PATH names cannot be read.', {
      cause: error,
      hint: 'Give the path of the JSON key that Google made for the service account.',
    })
  }
}
