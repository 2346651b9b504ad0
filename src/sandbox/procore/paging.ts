/** How a list is paged. */
interface PageRequest {
  /** The request, as the app sent it to Procore. */
  url: URL
  /** Where `per_page` has no value, and the most that it may be. */
  usualSize: number
  largestSize: number
  itemLimit: number | undefined
}

/**
 * The items of a page, and the headers that say which page that is. A smaller page than asked for is one of a smaller size, with its number
 * counted in that size: the number alone, with the size of before, would skip items. https://developers.procore.com/documentation/pagination
 */
export function pageOf<T>(all: readonly T[], request: PageRequest): { items: readonly T[]; headers: Record<string, string> } {
  const asked = Math.min(parameter(request.url, 'per_page') ?? request.usualSize, request.largestSize)
  const offset = ((parameter(request.url, 'page') ?? 1) - 1) * asked
  const size = pageSize(offset, asked, request.itemLimit)
  const items = request.itemLimit === 0 ? [] : all.slice(offset, offset + size)

  const page = offset / size + 1
  const last = Math.max(1, Math.ceil(all.length / size))
  const links: [string, number][] = []
  if (page > 1) links.push(['first', 1])
  if (page > 2) links.push(['prev', page - 1])
  if (page < last) links.push(['last', last])
  if (offset + items.length < all.length) links.push(['next', items.length === 0 ? page : page + 1])
  const link = links.map(([rel, number]) => `<${pageUrl(request.url, number, size)}>; rel="${rel}"`).join(', ')
  return { items, headers: { total: String(all.length), 'per-page': String(size), ...(link !== '' && { link }) } }
}

/** The largest size of which `offset` is a multiple, and that is no more than the limit; below `asked` where the page is to be empty. */
function pageSize(offset: number, asked: number, itemLimit: number | undefined): number {
  const most = itemLimit === 0 ? asked - 1 : Math.min(asked, itemLimit ?? asked)
  for (let size = most; size > 1; size -= 1) if (offset % size === 0) return size
  return 1
}

function pageUrl(url: URL, page: number, size: number): string {
  const target = new URL(url)
  target.searchParams.set('page', String(page))
  target.searchParams.set('per_page', String(size))
  return target.href
}

function parameter(url: URL, name: string): number | undefined {
  const value = Number(url.searchParams.get(name))
  return Number.isInteger(value) && value > 0 ? value : undefined
}
