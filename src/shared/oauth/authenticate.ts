import { createClient, isAuthApiError, isAuthRetryableFetchError, type SupabaseClient } from '@supabase/supabase-js'
import { z } from 'zod'
import { PatchbayError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'

/** A signed-in user, as the project's Auth server vouches for. */
export interface User {
  id: string
}

/** What the anon and service keys, which are JWTs as well, do not have. */
const UserClaims = z.object({ sub: z.guid(), role: z.literal('authenticated') })

const clients = new WeakMap<Runtime, SupabaseClient>()

/**
 * The user whose JWT the request carries. Asymmetric signatures are checked against the project's published keys, the older HS256 ones
 * by asking the Auth server. Throws `unauthorized`.
 */
export async function authenticate(request: Request, runtime: Runtime): Promise<User> {
  const [, token] = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(request.headers.get('authorization') ?? '') ?? []
  if (token === undefined) throw unauthorized()
  const claims = UserClaims.safeParse(await verifiedClaims(runtime, token))
  if (!claims.success) throw unauthorized()
  return { id: claims.data.sub }
}

async function verifiedClaims(runtime: Runtime, token: string): Promise<unknown> {
  try {
    const { data, error } = await clientOf(runtime).auth.getClaims(token)
    if (error) throw error
    return data?.claims
  } catch (error) {
    const busy = isAuthApiError(error) && (error.status === 429 || error.status >= 500)
    if (busy || isAuthRetryableFetchError(error)) {
      throw new PatchbayError('database_unavailable', "The project's Auth server did not answer.", { hint: 'Try again.' })
    }
    // Also what is thrown for a token that is no JWT at all.
    throw unauthorized()
  }
}

function clientOf(runtime: Runtime): SupabaseClient {
  const { supabaseUrl, publishableKey } = runtime.config
  const client =
    clients.get(runtime) ??
    createClient(supabaseUrl, publishableKey, {
      auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
      global: { fetch: runtime.fetch },
    })
  clients.set(runtime, client)
  return client
}

function unauthorized(): PatchbayError {
  return new PatchbayError('unauthorized', 'Sign in first.', {
    hint: "Send the user's access token as Authorization: Bearer <JWT>.",
  })
}
