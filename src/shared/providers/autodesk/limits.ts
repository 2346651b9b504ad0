import type { ApiLimit } from '../define.ts'

/**
 * What an app may ask for in a minute, of each kind of thing by itself, whichever accounts it asks for. Only kinds that Patchbay asks for.
 * https://aps.autodesk.com/en/docs/data/v2/developers_guide/rate-limiting/dm-rate-limits
 */
export const limits: readonly ApiLimit[] = [
  perMinute('hubs', 50, '/project/v1/hubs'),
  perMinute('hub', 50, '/project/v1/hubs/*'),
  perMinute('projects', 50, '/project/v1/hubs/*/projects'),
  perMinute('project', 50, '/project/v1/hubs/*/projects/*'),
  perMinute('top-folders', 300, '/project/v1/hubs/*/projects/*/topFolders'),
  perMinute('folder', 300, '/data/v1/projects/*/folders/*'),
  perMinute('folder-contents', 300, '/data/v1/projects/*/folders/*/contents'),
  perMinute('item', 300, '/data/v1/projects/*/items/*'),
]

/** `*` is one id. */
function perMinute(name: string, amount: number, path: string): ApiLimit {
  const pattern = new RegExp(`^${path.replaceAll('*', '[^/]+')}$`)
  return {
    name,
    per: 'app',
    amount,
    periodMs: 60_000,
    cost: (request) => (request.method === 'GET' && pattern.test(request.path) ? 1 : 0),
  }
}
