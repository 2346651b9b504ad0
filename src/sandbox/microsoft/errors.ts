import type { SandboxClock } from '../clock.ts'
import type { ErrorAnswer, ProviderErrors, ProviderPlace } from '../provider.ts'
import { aadstsAnswer, unknownTenant, wrongSecret, type Aadsts } from './aadsts.ts'
import { accessDenied, GraphError, itemNotFound, throttled, tokenErrors } from './graph/graph-error.ts'

/** Microsoft's own words for faults. The identity platform has AADSTS codes, Graph an envelope of its own. */
export function microsoftErrors(clock: SandboxClock): ProviderErrors {
  const inWordsOf = ({ host }: ProviderPlace, graph: GraphError, login: Aadsts): ErrorAnswer =>
    host === 'graph.microsoft.com' ? graph.answer(clock.now()) : aadstsAnswer(login, clock.now())

  return {
    rateLimit: (place) => inWordsOf(place, throttled(), tenantThrottled),
    // It has no other status for "too fast", but an older code.
    quota: (place) => inWordsOf(place, new GraphError(429, 'TooManyRequests', 'Too Many Requests'), tenantThrottled),
    serverError: (place, status) => inWordsOf(place, graphFailure(status), { ...transient, status }),
    unauthorized: (place) => inWordsOf(place, tokenErrors.expired(), wrongSecret('sandbox-client')),
    forbidden: (place) => inWordsOf(place, accessDenied(), blocked),
    notFound: ({ host, path }) => inWordsOf({ host, path }, itemNotFound(), unknownTenant(path.split('/')[1])),
  }
}

function graphFailure(status: number): GraphError {
  if (status === 500)
    return new GraphError(500, 'InternalServerError', 'An internal server error occurred. The operation failed.')
  if (status === 503) return new GraphError(503, 'serviceNotAvailable', 'The service is temporarily unavailable.')
  return new GraphError(status, 'UnknownError', '')
}

// Which `error` goes with these three is from memory.
const tenantThrottled = {
  number: 90055,
  text: 'The tenant request is being throttled because there are too many incoming requests.',
  error: 'temporarily_unavailable',
  status: 429,
}
const transient = {
  number: 90033,
  text: 'A transient error has occurred. Please try again.',
  error: 'temporarily_unavailable',
}
const blocked = {
  number: 53003,
  text: 'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
  error: 'interaction_required',
}
