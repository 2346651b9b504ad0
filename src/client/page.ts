/** The page that the code runs in. */
export interface Page {
  location: { readonly href: string; assign: (url: string) => void }
  history: { readonly state: unknown; replaceState: (state: unknown, unused: string, url: string) => void }
}

/** Undefined outside a browser's page: in Node, Deno, a worker. */
export function currentPage(): Page | undefined {
  const { location, history } = globalThis as Partial<Page>
  return location && history && { location, history }
}
