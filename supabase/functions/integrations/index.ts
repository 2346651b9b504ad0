import { handleIntegrations } from '../../../src/shared/api/integrations.ts'
import { endpoint } from '../_shared/endpoint.ts'

// Its description is public. The router demands the user's JWT for everything else.
export default endpoint({ auth: 'none', handle: handleIntegrations })
