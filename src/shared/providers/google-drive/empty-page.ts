import type { Page } from '../../sync/stream.ts'
import type { Scope } from './endpoint-config.ts'

/** What Drive itself calls the place of items whose folder the account cannot see. */
const orphanPath = '/Shared with me'

/** A page with nothing in it. What has no visible parent is outside a folder, and inside everything else. */
export function emptyPage(pass: Page['pass'], scope: Scope): Omit<Page, 'next' | 'more'> {
  return {
    pass,
    folders: [],
    files: [],
    removed: [],
    listed: [],
    rebuildPaths: false,
    frontier: 'folders',
    orphanPath: scope.kind === 'folder' ? null : orphanPath,
  }
}
