import { handleStart } from '../../../src/shared/oauth/start.ts'
import { endpoint } from '../_shared/endpoint.ts'

// Public by design: a browser comes here by a link. The one-time ticket is the credential, on a page of the app only.
export default endpoint({ auth: 'none', handle: handleStart })
