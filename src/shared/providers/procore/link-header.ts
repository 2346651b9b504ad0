/**
 * The query of the page that `Link` calls `next`, such as `page=2&per_page=100`; null on the last page. Whole, because Procore may give
 * fewer items to a page than were asked for, and the number of a page says nothing without their number. Throws when it is the page
 * itself. https://developers.procore.com/documentation/pagination
 */
export function nextPage(headers: Headers, current: string | null): string | null {
  const [, target] = /<([^>]*)>[^<]*\brel="?next\b/i.exec(headers.get('link') ?? '') ?? []
  if (target === undefined) return null
  // Of the address only the query is taken: where requests go is not for an answer to say.
  const next = target.slice(target.indexOf('?') + 1)
  if (next === current || !new URLSearchParams(next).has('page')) throw new Error('The Link header has no other page.')
  return next
}
