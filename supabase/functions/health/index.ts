import { health, healthResponse } from '../../../src/shared/service/health.ts'
import { endpoint } from '../_shared/endpoint.ts'

// Public by design: an uptime check has no credentials. It says whether the database answers, and nothing else.
export default endpoint({ auth: 'none', handle: async (_request, runtime) => healthResponse(await health(runtime)) })
