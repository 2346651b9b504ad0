import { jsonResponse } from '../../../src/shared/responses.ts'
import { status } from '../../../src/shared/service/status.ts'
import { endpoint } from '../_shared/endpoint.ts'

// By the worker secret: a monitor that has it can read these numbers and wake the worker, no more. The project's secret key, which can do
// anything, has no place in one.
export default endpoint({ auth: 'secret', handle: async (_request, runtime) => jsonResponse(await status(runtime)) })
