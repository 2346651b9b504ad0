const maxLimit = 200

/** Which part of a list a request asks for. `shift` is no parameter of Autodesk's: how many items pages before this one came short of. */
interface PageRequest {
  number: number
  limit: number
  shift: number
}

/** Of `page[number]`, from 0, and `page[limit]`, 1 to 200. Undefined when they are out of range. */
export function pageRequest(query: Readonly<Record<string, string>>): PageRequest | undefined {
  const number = Number(query['page[number]'] ?? 0)
  const limit = Number(query['page[limit]'] ?? maxLimit)
  const shift = Number(query['page[shift]'] ?? 0)
  const whole = [number, limit, shift].every((value) => Number.isInteger(value) && value >= 0)
  return whole && limit >= 1 && limit <= maxLimit ? { number, limit, shift } : undefined
}

/** How a list is answered. */
interface PagedList {
  /** Where the list is, without a query. */
  url: string
  /** What was asked for besides the page, which links repeat. */
  query?: Readonly<Record<string, string>>
  itemLimit: number | undefined
  /** Some lists percent-encode what is in their links, others leave it as it is. */
  encode?: boolean
}

/**
 * A page of a list, and its links: no `next` on the last page, and only `self` when there is but one. What a page cut short by
 * `itemLimit` leaves out, those after it have: for a client that follows links.
 */
export function pageOf<T>(items: readonly T[], request: PageRequest, list: PagedList) {
  const { number, limit, shift } = request
  const start = number * limit - shift
  const end = start + Math.min(limit, list.itemLimit ?? limit)
  const link = (page: PageRequest) => ({ href: pageUrl(list, page) })
  const several = number > 0 || end < items.length
  return {
    items: items.slice(start, end),
    links: {
      self: several ? link(request) : { href: list.url },
      ...(several && { first: link({ number: 0, limit, shift: 0 }) }),
      ...(number > 0 && { prev: link({ number: number - 1, limit, shift: 0 }) }),
      ...(end < items.length && { next: link({ number: number + 1, limit, shift: (number + 1) * limit - end }) }),
    },
  }
}

function pageUrl({ url, query = {}, encode = false }: PagedList, { number, limit, shift }: PageRequest): string {
  const parameters = { ...query, 'page[number]': number, 'page[limit]': limit, ...(shift !== 0 && { 'page[shift]': shift }) }
  const write = encode ? encodeURIComponent : (text: string) => text
  return `${url}?${Object.entries(parameters)
    .map(([name, value]) => `${write(name)}=${encodeURIComponent(value)}`)
    .join('&')}`
}
