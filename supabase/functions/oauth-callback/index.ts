import { handleCallback } from '../../../src/shared/oauth/callback.ts'
import { endpoint } from '../_shared/endpoint.ts'

// Public by design: the provider sends a browser here. The single-use state and the browser's cookie are the credentials; the
// client-driven form, a POST, demands the user's JWT in the handler.
export default endpoint({ auth: 'none', handle: handleCallback })
