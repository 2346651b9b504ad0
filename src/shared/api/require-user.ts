import { type User, authenticate } from '../oauth/authenticate.ts'
import type { Runtime } from '../runtime.ts'
import { limitUser } from './limiter.ts'

/** The user who calls, counted. Throws `unauthorized` and `rate_limited`. */
export async function requireUser(request: Request, runtime: Runtime): Promise<User> {
  const user = await authenticate(request, runtime)
  await limitUser(runtime, user)
  return user
}
