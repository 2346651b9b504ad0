import { get, post, providerPath, type Supabase } from './call.ts'
import type { CompleteAnswer, ProviderStatus } from './contract.ts'
import { PatchbayClientError } from './errors.ts'
import { currentPage, type Page } from './page.ts'
import { failedConnection } from './failed-connection.ts'
import { status } from './status.ts'

/** What a provider adds to the address of a page in the client-driven form: RFC 6749 §4.1.2, RFC 9207. */
const answerParameters = ['code', 'state', 'iss', 'scope', 'error', 'error_description', 'error_uri']

/**
 * Ends a connection on the page that the user comes back to. Without `input`, it reads the page's own address and takes what it has read
 * out of it, so that a reload or a bookmark does not repeat it; else `input` is an address or its parameters.
 *
 * Resolves with the status of what is now connected; null: the address has nothing to do with a connection. Throws PatchbayClientError
 * when the connection failed, `access_denied` when the user declined.
 */
export async function completeConnection(
  supabase: Supabase,
  input?: string | URL | URLSearchParams,
): Promise<ProviderStatus | null> {
  const parameters = parametersOf(input)
  for (const { provider, error, parameter } of serverResults(parameters)) {
    // A flag in an address is anybody's word: the status is the project's, and another library's flag is none of ours.
    const now = await get<ProviderStatus>(supabase, providerPath(provider, 'status')).catch(notOurs)
    if (now === null) continue
    if (input === undefined) cleanPage([parameter])
    if (error !== undefined) throw failedConnection(error)
    return now
  }

  const { code, state, iss, error } = Object.fromEntries(parameters)
  if (state === undefined || (code === undefined && error === undefined)) return null
  if (input === undefined) cleanPage(answerParameters)
  if (code === undefined) throw failedConnection(error === 'access_denied' ? error : 'code_rejected')
  const answer = await post<CompleteAnswer>(supabase, 'oauth-callback', { code, state, iss })
  return status(supabase, answer.provider, { integrationId: answer.integration_id })
}

function parametersOf(input: string | URL | URLSearchParams | undefined): URLSearchParams {
  if (input instanceof URLSearchParams) return input
  const address = input === undefined ? currentPage()?.location.href : String(input)
  if (address !== undefined && URL.canParse(address)) return new URL(address).searchParams
  throw new PatchbayClientError('invalid_request', 'There is no address to read the result of a connection from.', {
    hint: 'Outside a page, give completeConnection() the address that the user came back to.',
  })
}

interface ServerResult {
  provider: string
  error: string | undefined
  /** Its name in the address. */
  parameter: string
}

/** What may be oauth-callback's word: `<provider>_connected=true` or `<provider>_error=<code>`. */
function serverResults(parameters: URLSearchParams): ServerResult[] {
  return [...parameters].flatMap(([name, value]) => {
    const [, provider, flag] = /^([a-z][a-z0-9-]*)_(connected|error)$/.exec(name) ?? []
    if (provider === undefined || (flag === 'connected' && value !== 'true')) return []
    return [{ provider, error: flag === 'error' ? value : undefined, parameter: name }]
  })
}

/** Null for a provider that the project does not know. */
function notOurs(error: unknown): null {
  if (error instanceof PatchbayClientError && error.code === 'unknown_provider') return null
  throw error
}

function cleanPage(names: readonly string[]): void {
  const page: Page | undefined = currentPage()
  if (!page) return
  const url = new URL(page.location.href)
  for (const name of names) url.searchParams.delete(name)
  page.history.replaceState(page.history.state, '', url.href)
}
