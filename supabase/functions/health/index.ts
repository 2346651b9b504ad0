import { handleHealth } from '../../../src/shared/service/health.ts'
import { endpoint } from '../_shared/endpoint.ts'

// Public by design: an uptime check has no credentials. It says whether the database answers, and nothing else.
export default endpoint({ auth: 'none', countsItself: true, handle: handleHealth })
