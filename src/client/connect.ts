import { post, type Supabase } from './call.ts'
import type { AuthorizeAnswer, ProviderId } from './contract.ts'
import { currentPage } from './page.ts'

export interface ConnectOptions {
  /**
   * The page of the app that the user comes back to, and that calls `completeConnection()`: one that CONNECTOR_REDIRECT_URLS lists, or one
   * below it. By default the first of them; in the client-driven form, the page in the provider's own variable.
   */
  redirectTo?: string | undefined
  /** `server`, the default: an Edge Function takes the code. `client`: the page takes it, and `completeConnection()` hands it in. */
  flow?: 'server' | 'client' | undefined
  /** False: the address is returned, and nothing else happens. In a browser it is true by default: the page is left for the address. */
  navigate?: boolean | undefined
}

/** Where the user goes to consent. */
export interface Departure {
  /** Good once. Server-driven: for two minutes, and only from a page of the app. */
  url: string
  /** Client-driven: what the provider sends back beside the code. */
  state?: string
}

/** Begins to connect an account of the signed-in user. Throws PatchbayClientError. */
export function connect(supabase: Supabase, provider: ProviderId, options: ConnectOptions = {}): Promise<Departure> {
  return depart(supabase, 'oauth-authorize', { provider }, options)
}

/** Asks `path` for the address of a consent, and goes there. */
export async function depart(
  supabase: Supabase,
  path: string,
  body: Record<string, unknown>,
  { redirectTo, flow, navigate }: ConnectOptions,
): Promise<Departure> {
  const answer = await post<AuthorizeAnswer>(supabase, path, {
    ...body,
    flow,
    [flow === 'client' ? 'redirect_uri' : 'redirect_to']: redirectTo,
  })
  const departure = 'url' in answer ? { url: answer.url } : { url: answer.auth_url, state: answer.state }
  if (navigate ?? true) currentPage()?.location.assign(departure.url)
  return departure
}
