import type { ApiLimit } from '../define.ts'

// https://developers.google.com/workspace/drive/api/guides/limits
const list = 100
const other = 5

/** Units in a minute, of the app and of each user. Downloads and edits, which cost more than a read, are nothing that Patchbay does. */
export const limits: readonly ApiLimit[] = [
  { name: 'project-units', per: 'app', amount: 1_000_000, periodMs: 60_000, cost },
  { name: 'user-units', per: 'account', amount: 325_000, periodMs: 60_000, cost },
]

function cost({ method, path }: { method: string; path: string }): number {
  return method === 'GET' && /\/(files|changes|drives)(\?|$)/.test(path) ? list : other
}
