import type { Supabase } from './call.ts'
import type { Endpoint, ErrorCode } from './contract.ts'
import { PatchbayClientError } from './errors.ts'

/** A supabase-js client that also reaches the project's database. */
export interface SupabaseDatabase extends Supabase {
  /** Of whatever types the app has generated for its database: they need not have Patchbay's functions. */
  rpc(name: never, args: never): PromiseLike<DatabaseAnswer>
}

interface DatabaseAnswer {
  data: unknown
  error: DatabaseError | null
  status: number
}

interface DatabaseError {
  code: string
  message: string
  /** Of our own functions: one of the server's codes. */
  details: string | null
  hint: string | null
}

/** Calls one of the database's functions about an endpoint. Resolves with the endpoint as it is then. Throws PatchbayClientError. */
export async function callEndpoint(supabase: SupabaseDatabase, name: string, endpointId: string): Promise<Endpoint> {
  const { data, error, status } = await supabase.rpc(name as never, { endpoint_id: endpointId } as never)
  if (error === null && typeof data === 'object' && data !== null) return data as Endpoint
  throw toClientError(error, status)
}

function toClientError(error: DatabaseError | null, status: number): PatchbayClientError {
  if (status === 0) {
    return new PatchbayClientError('network_error', 'The project could not be reached.', { hint: 'Try again.', cause: error })
  }
  // Raised by our functions, and by them alone.
  if (error?.code.startsWith('PT') === true && typeof error.details === 'string') {
    return new PatchbayClientError(error.details as ErrorCode, error.message, { hint: error.hint ?? undefined, status })
  }
  if (status === 401) return new PatchbayClientError('unauthorized', 'Sign in first.', { status })
  // invalid_text_representation: not a UUID.
  if (error?.code === '22P02') {
    return new PatchbayClientError('invalid_request', 'endpointId is not the id of an endpoint.', {
      hint: 'The table endpoints has the ids of yours.',
      status,
    })
  }
  return new PatchbayClientError('unexpected_answer', `The database answered with status ${status}.`, {
    status,
    hint: "Are Patchbay's migrations applied to this project?",
    cause: error,
  })
}
