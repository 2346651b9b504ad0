import type { AuthDefinition } from '../providers/define.ts'

/** The scopes of a list (RFC 6749 §3.3: with spaces; some providers use commas). */
export function splitScope(scope: string, separator: ' ' | ',' = ' '): string[] {
  return scope.split(separator).filter((item) => item !== '')
}

/** The scopes that an app asks for and was not granted. */
export function missingScopes({ scopes, silentScopes = [] }: AuthDefinition, granted: readonly string[]): string[] {
  return scopes.filter((scope) => !granted.includes(scope) && !silentScopes.includes(scope))
}
