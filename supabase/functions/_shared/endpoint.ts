import { type Endpoint, answerRequest, errorResponse, logFailure } from '../../../src/shared/endpoint.ts'
import { toPatchbayError } from '../../../src/shared/errors.ts'
import { log, openRuntime } from './runtime.ts'

/** What `export default` of an Edge Function is: a handler, bound to this isolate's runtime. */
export function endpoint(definition: Endpoint): { fetch: (request: Request) => Promise<Response> } {
  return {
    fetch: async (request) => {
      try {
        return await answerRequest(definition, request, openRuntime())
      } catch (error) {
        // The runtime did not open: the environment is not complete.
        const failure = toPatchbayError(error)
        logFailure(log, failure)
        return errorResponse(failure)
      }
    },
  }
}
