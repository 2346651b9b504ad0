import { adminCall } from '../admin-call.ts'
import type { Installation, RevocableToken } from './admin-contract.ts'

/** What only Procore can be told. `url` is the sandbox's own. Every call throws when the sandbox refuses it or cannot be reached. */
export function procoreSandbox(url: string) {
  const call = adminCall(url)
  return {
    /** An administrator of the company installs or uninstalls the app. */
    install: async (installation: Installation) => void (await call('POST', '/procore/installations', installation)),
    /** How many requests a user may send in an hour; 3,600 from the start. */
    setHourlyLimit: async (requests: number) => void (await call('POST', '/procore/hourly-limit', { requests })),
    /** Which of a connection's tokens has to be revoked to end it; either, from the start. */
    setRevocableToken: async (token: RevocableToken) => void (await call('POST', '/procore/revocable-token', { token })),
  }
}
