import { randomUUID } from 'node:crypto'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import type { TestPlatform } from '../support/database.ts'

export interface ClientUser {
  id: string
  supabase: SupabaseClient
}

/** A new user with a client of their own, as an app's page has it. */
export async function signUp(platform: TestPlatform): Promise<ClientUser> {
  const supabase = createClient(platform.url, platform.keys.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false },
  })
  const { data, error } = await supabase.auth.signUp({ email: `${randomUUID()}@example.com`, password: randomUUID() })
  if (error !== null) throw error
  return { id: data.user?.id ?? '', supabase }
}
