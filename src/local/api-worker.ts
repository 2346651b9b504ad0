import { parentPort, workerData } from 'node:worker_threads'
import { serve } from '@hono/node-server'
import { App } from '@supabase/lite'
import { createPostgresConnection } from '@supabase/lite/postgres'
import type { ApiOptions } from './api.ts'

/** Runs in a thread of its own, see api.ts. Reports the port on which it answers. */
const { restUrl, authUrl, keys, siteUrl } = workerData as ApiOptions

// Lite passes on Postgres' own text; PostgREST writes ISO 8601.
const timestamptz = {
  to: 1184,
  from: [1184],
  serialize: String,
  parse: (text: string) => text.replace(' ', 'T').replace(/[+-]\d\d$/, '$&:00'),
}

const rest = createApp(restUrl, 10)
const auth = createApp(authUrl, 5)
serve(
  {
    hostname: '127.0.0.1',
    port: 0,
    fetch(request: Request) {
      const app = new URL(request.url).pathname.startsWith('/auth/') ? auth : rest
      return app.fetch(request, { peerAddress: null })
    },
  },
  ({ port }) => parentPort?.postMessage(port),
)

function createApp(url: string, connections: number): App {
  const connection = createPostgresConnection({
    url,
    postgresOptions: { max: connections, onnotice: () => {}, types: { timestamptz } },
  })
  // Left to itself, Lite grants every API role everything on every table with row level security. The field is private; should it be
  // renamed, those grants fail, because neither role that logs in here owns a table.
  Object.assign(connection, { rlsState: 'active' })
  return new App({
    connection,
    api: { schemas: ['public'] },
    auth: {
      enabled: true,
      jwt_secret: keys.jwtSecret,
      site_url: siteUrl,
      email: { enable_confirmations: false },
    },
    options: { server: { disableStudio: true, apiKeys: { resolver: async (key) => resolveKey(key) } } },
  })
}

function resolveKey(key: string) {
  if (key === keys.publishableKey || key === keys.anonKey) {
    return { type: 'publishable' as const, claims: { role: 'anon' } }
  }
  if (key === keys.secretKey || key === keys.serviceRoleKey) {
    return { type: 'secret' as const, claims: { role: 'service_role' } }
  }
  return null
}
