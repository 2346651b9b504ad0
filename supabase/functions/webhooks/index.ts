import { handleWebhook } from '../../../src/shared/webhooks/receive.ts'
import { endpoint } from '../_shared/endpoint.ts'

// Public by design: providers call it. Each delivery proves itself with the secret of its hook, and the handler counts those that do not.
export default endpoint({ auth: 'none', countsItself: true, handle: handleWebhook })
