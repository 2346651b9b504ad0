import { handleAuthorize } from '../../../src/shared/oauth/authorize.ts'
import { endpoint } from '../_shared/endpoint.ts'

export default endpoint({ auth: 'user', handle: handleAuthorize })
