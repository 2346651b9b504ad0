import type { SupabaseClient } from '@supabase/supabase-js'
import type { ErrorCode } from './contract.ts'
import { PatchbayClientError } from './errors.ts'

/** As much of a supabase-js client as is needed: it sends the user's JWT, and knows where the functions are. */
export type Supabase = Pick<SupabaseClient, 'functions'>

/** Which of the user's integrations with a provider. May be left out when there is just one. */
export interface WhichOne {
  integrationId?: string | undefined
}

/** GET of an Edge Function's route. Throws PatchbayClientError. */
export function get<Answer extends object>(supabase: Supabase, path: string, { integrationId }: WhichOne = {}): Promise<Answer> {
  const query = integrationId === undefined ? '' : `?${new URLSearchParams({ integration_id: integrationId })}`
  return invoke(supabase, path + query, { method: 'GET' })
}

/** POST to an Edge Function's route. What is undefined in `body` is left out. Throws PatchbayClientError. */
export function post<Answer extends object>(supabase: Supabase, path: string, body: Record<string, unknown>): Promise<Answer> {
  return invoke(supabase, path, { method: 'POST', body })
}

/** A route of one provider, in the function `integrations`. */
export function providerPath(provider: string, ...rest: string[]): string {
  return ['integrations', provider, ...rest].map(encodeURIComponent).join('/')
}

async function invoke<Answer extends object>(
  { functions }: Supabase,
  path: string,
  options: { method: 'GET' | 'POST'; body?: Record<string, unknown> },
): Promise<Answer> {
  const { data, error } = await functions.invoke<unknown>(path, options)
  if (error !== null) throw await toClientError(error)
  if (typeof data === 'object' && data !== null) return data as Answer
  throw unexpected(200)
}

/** supabase-js keeps the answer in `context` when there was one, and what fetch threw when there was none. */
async function toClientError(thrown: unknown): Promise<PatchbayClientError> {
  const context = thrown instanceof Error && 'context' in thrown ? thrown.context : thrown
  if (!isResponse(context)) {
    return new PatchbayClientError('network_error', 'The project could not be reached.', { hint: 'Try again.', cause: context })
  }
  const body = (await context.json().catch(() => undefined)) as ErrorBody | undefined
  if (typeof body?.error?.code !== 'string') return unexpected(context.status)
  const { code, message, hint } = body.error
  const retryAfter = Number(context.headers.get('retry-after')) || undefined
  return new PatchbayClientError(code, message, { hint: hint ?? undefined, status: context.status, retryAfter })
}

/** By its form: with a fetch of the app's own, it is none of the global class. */
function isResponse(value: unknown): value is Response {
  return typeof value === 'object' && value !== null && 'status' in value && 'headers' in value
}

function unexpected(status: number): PatchbayClientError {
  return new PatchbayClientError('unexpected_answer', `Something other than Patchbay answered, with status ${status}.`, {
    status,
    hint: 'Are the Edge Functions deployed to this project?',
  })
}

interface ErrorBody {
  error?: { code: ErrorCode; message: string; hint?: string | null }
}
