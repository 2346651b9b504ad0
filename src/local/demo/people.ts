import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import type { Platform } from '../services.ts'

/** A signed-in user of the app, as its front end has them. */
export interface Person {
  id: string
  email: string
  supabase: SupabaseClient
  /** Their JWT. */
  accessToken: string
}

/** The demo's first user, who connects everything. */
export const firstEmail = 'first@example.com'

/** Signs a person up, or in when an earlier start has signed them up. */
export async function signIn(platform: Pick<Platform, 'url' | 'keys'>, email: string): Promise<Person> {
  const supabase = createClient(platform.url, platform.keys.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false },
  })
  // Good for nothing but this machine's own demo.
  const credentials = { email, password: 'correct horse battery staple' }
  const known = await supabase.auth.signInWithPassword(credentials)
  const { data, error } = known.error ? await supabase.auth.signUp(credentials) : known
  if (error || !data.session) throw new Error(`${email} could not sign up: ${error?.message ?? 'no session'}`)
  return { id: data.session.user.id, email, supabase, accessToken: data.session.access_token }
}
