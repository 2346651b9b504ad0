/** The scopes of a space-separated list (RFC 6749 §3.3). */
export function splitScope(scope: string): string[] {
  return scope.split(' ').filter((item) => item !== '')
}
