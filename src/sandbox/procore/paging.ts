/** A request for a page. */
interface PageRequest {
  /** As the app sent it to Procore. */
  url: URL
  /** `per_page` where it is not given, and the most that it may be. */
  usualSize: number
  largestSize: number
  itemLimit: number | undefined
}

/**
 * A list as one user sees it, page by number. A page that is to have fewer items than asked for is one of which the user may not see the
 * rest: such rows count for the numbers of pages, stay where they are, and push what is behind them on to later pages.
 * https://developers.procore.com/documentation/pagination
 */
export class PagedList {
  /** In the order in which they came; each counts those before it. */
  readonly #hidden: { at: number; count: number }[] = []

  /** The items of a page, and the headers that say which page that is. */
  page<T>(all: readonly T[], { url, usualSize, largestSize, itemLimit }: PageRequest) {
    const size = Math.min(parameter(url, 'per_page') ?? usualSize, largestSize)
    const page = parameter(url, 'page') ?? 1
    if (itemLimit !== undefined) this.#hide(all, (page - 1) * size, size, itemLimit)
    const rows = this.#rows(all)
    const items = rows.slice((page - 1) * size, page * size).flatMap((row) => row ?? [])

    const last = Math.ceil(rows.length / size)
    const links: [string, number][] = []
    if (page > 1) links.push(['first', 1])
    if (page > 2) links.push(['prev', page - 1])
    if (page < last) links.push(['last', last], ['next', page + 1])
    const link = links.map(([rel, number]) => `<${pageUrl(url, number, size)}>; rel="${rel}"`).join(', ')
    return { items, headers: { total: String(all.length), 'per-page': String(size), ...(link !== '' && { link }) } }
  }

  #hide(all: readonly unknown[], offset: number, size: number, itemLimit: number): void {
    const rows = this.#rows(all).slice(offset, offset + size)
    const seen = rows.flatMap((row, index) => (row === undefined ? [] : [index]))
    const firstTooMany = seen[itemLimit]
    if (firstTooMany !== undefined) this.#hidden.push({ at: offset + firstTooMany, count: size - firstTooMany })
  }

  #rows<T>(all: readonly T[]): (T | undefined)[] {
    const rows: (T | undefined)[] = [...all]
    for (const { at, count } of this.#hidden) rows.splice(at, 0, ...Array.from({ length: count }, () => undefined))
    return rows
  }
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
