import type { Page } from '../../sync/stream.ts'

/** A page of a walk with nothing in it. What is in no folder of the endpoint is outside. */
export function emptyPage(): Omit<Page, 'next' | 'more'> {
  return {
    pass: 'full',
    folders: [],
    files: [],
    removed: [],
    listed: [],
    rebuildPaths: false,
    frontier: 'cursor',
    orphanPath: null,
  }
}
