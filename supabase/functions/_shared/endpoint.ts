import { type Endpoint, answerRequest } from '../../../src/shared/endpoint.ts'
import { inBackground } from './background.ts'
import { log, openRuntime } from './runtime.ts'

/** What `export default` of an Edge Function is: a handler, bound to this isolate's runtime. */
export function endpoint(definition: Endpoint): { fetch: (request: Request) => Promise<Response> } {
  return { fetch: (request) => answerRequest(definition, request, { openRuntime, log, inBackground }) }
}
