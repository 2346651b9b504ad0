import type { ErrorCode } from './contract.ts'
import { type ClientErrorCode, PatchbayClientError } from './errors.ts'

/** The callback says no more than a code in an address: these are its words for a person. */
const messages: Partial<Record<ErrorCode, readonly [message: string, hint: string]>> = {
  access_denied: ['The connection was declined at the provider.', 'Connect again, and agree.'],
  state_invalid: ['The connection was completed already, is too old, or was never begun.', 'Connect again.'],
  browser_mismatch: ['This is not the browser that began the connection.', 'Connect again, in one browser.'],
  missing_scope: ['The account was connected without any permission.', 'Connect again, and leave the boxes ticked.'],
  account_mismatch: [
    'The connection is for another account.',
    'Sign in to that account at the provider, or connect this one as a new connection.',
  ],
  client_rejected: ["The provider does not accept the app's registration.", 'Tell the operator of the app.'],
  config_invalid: ['The app is not set up for this provider.', 'Tell the operator of the app.'],
}

/** The error that a code in an address stands for. Anybody can write an address, so nothing of it but a code gets into the error. */
export function failedConnection(code: string): PatchbayClientError {
  if (!/^[a-z]{1,30}(_[a-z]{1,30}){0,4}$/.test(code)) {
    return new PatchbayClientError('unexpected_answer', 'The connection failed, and the address does not say why.')
  }
  const known = code as ClientErrorCode & ErrorCode
  const [message, hint] = messages[known] ?? ['The account could not be connected.', 'Try again in a while.']
  return new PatchbayClientError(known, message, { hint })
}
