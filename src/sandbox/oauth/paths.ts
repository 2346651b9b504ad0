/** The paths of an endpoint, one or several. */
export function endpointPaths(paths: string | readonly string[] | undefined): string[] {
  if (paths === undefined) return []
  return typeof paths === 'string' ? [paths] : [...paths]
}

/** Whether a request's path is one of these; `:name` stands for any one segment. */
export function pathMatcher(paths: readonly string[]): (path: string) => boolean {
  const patterns = paths.map((path) => new RegExp(`^${path.split('/').map(segmentPattern).join('/')}$`))
  return (path) => patterns.some((pattern) => pattern.test(path))
}

function segmentPattern(segment: string): string {
  return segment.startsWith(':') ? '[^/]+' : RegExp.escape(segment)
}
