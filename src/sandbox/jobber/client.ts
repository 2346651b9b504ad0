import { adminCall } from '../admin-call.ts'

/** What only Jobber can be told. `url` is the sandbox's own. Every call throws when the sandbox refuses it or cannot be reached. */
export function jobberSandbox(url: string) {
  const call = adminCall(url)
  return {
    /** Jobber serves a version of its schema no longer, such as `2026-07-27`. */
    retireVersion: async (version: string) => void (await call('POST', '/jobber/retire-version', { version })),
  }
}
