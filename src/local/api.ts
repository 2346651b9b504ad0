import { App } from '@supabase/lite'
import { createPostgresConnection } from '@supabase/lite/postgres'
import type { Keys } from './keys.ts'

/** The Data API (`/rest/v1`) and Auth (`/auth/v1`) by Supabase Lite. */
export interface Api {
  rest(request: Request): Promise<Response>
  auth(request: Request): Promise<Response>
  close(): Promise<void>
}

export interface ApiOptions {
  /** The database, as `authenticator` and as `supabase_auth_admin`: what hosted's PostgREST and Auth log in as. */
  restUrl: string
  authUrl: string
  keys: Keys
  /** Where Auth sends users back to when a request names no address. */
  siteUrl: string
}

/** Reads the schema on the first request and keeps it: apply migrations before. Sign-ups need no confirmed address. */
export function createApi({ restUrl, authUrl, keys, siteUrl }: ApiOptions): Api {
  const restConnection = createPostgresConnection({ url: restUrl, postgresOptions: { max: 10, onnotice: () => {} } })
  const authConnection = createPostgresConnection({ url: authUrl, postgresOptions: { max: 5, onnotice: () => {} } })
  // Left to itself, Lite grants everything on every table with row level security to every API role. The field is private, hence the
  // cast; should it be renamed, the grants fail, because authenticator owns nothing.
  Object.assign(restConnection, { rlsState: 'active' })
  Object.assign(authConnection, { rlsState: 'active' })

  const shared = {
    auth: {
      enabled: true,
      jwt_secret: keys.jwtSecret,
      publishable_key: keys.publishableKey,
      secret_key: keys.secretKey,
      site_url: siteUrl,
      email: { enable_confirmations: false },
    },
    api: { schemas: ['public'] },
    options: { server: { disableStudio: true, apiKeys: { resolver: async (key: string) => resolveKey(key, keys) } } },
  }
  const rest = new App({ connection: restConnection, ...shared })
  const auth = new App({ connection: authConnection, ...shared })
  const context = { peerAddress: null }
  return {
    rest: (request) => rest.fetch(request, context),
    auth: (request) => auth.fetch(request, context),
    async close() {
      await Promise.all([restConnection.close(), authConnection.close()])
    },
  }
}

function resolveKey(key: string, keys: Keys) {
  if (key === keys.publishableKey || key === keys.anonKey) {
    return { type: 'publishable' as const, claims: { role: 'anon' } }
  }
  if (key === keys.secretKey || key === keys.serviceRoleKey) {
    return { type: 'secret' as const, claims: { role: 'service_role' } }
  }
  return null
}
