import { wakeWorker } from '../../../src/shared/jobs/worker-function.ts'
import { inBackground } from '../_shared/background.ts'
import { endpoint } from '../_shared/endpoint.ts'

export default endpoint({ auth: 'secret', handle: async (_request, runtime) => wakeWorker(runtime, inBackground) })
