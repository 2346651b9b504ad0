import { readConfig } from '../../src/shared/config.ts'
import { type Runtime, createRuntime as createSharedRuntime } from '../../src/shared/runtime.ts'

/** Where the parts are that a sync needs. */
export interface Surroundings {
  databaseUrl: string
  sandboxUrl: string
  /** As CONNECTOR_TOKEN_KEYS takes them. */
  tokenKeys: string
}

/** The environment of a worker. */
export function workerEnv({ databaseUrl, sandboxUrl, tokenKeys }: Surroundings): Record<string, string> {
  return {
    CONNECTOR_DATABASE_URL: databaseUrl,
    CONNECTOR_SANDBOX_URL: sandboxUrl,
    CONNECTOR_LOG_LEVEL: 'warn',
    CONNECTOR_TOKEN_KEYS: tokenKeys,
    GOOGLE_CLIENT_ID: 'sandbox-client',
    GOOGLE_CLIENT_SECRET: 'sandbox-secret',
    CONNECTOR_AUTODESK_CLIENT_ID: 'sandbox-client',
    CONNECTOR_AUTODESK_CLIENT_SECRET: 'sandbox-secret',
    // Neither Auth nor Edge Functions take part.
    CONNECTOR_SUPABASE_URL: 'http://127.0.0.1',
    CONNECTOR_SUPABASE_ANON_KEY: 'unused',
    CONNECTOR_REDIRECT_URLS: 'http://localhost:3000',
    CONNECTOR_WORKER_SECRET: 'unused'.repeat(6),
    CONNECTOR_WEBHOOKS: 'off',
  }
}

/** A runtime as the Node worker makes it. The caller ends its `sql`. */
export function createRuntime(surroundings: Surroundings): Runtime {
  return createSharedRuntime(readConfig(workerEnv(surroundings)), {
    connections: 3,
    print: (line) => process.stderr.write(`${line}\n`),
  })
}
