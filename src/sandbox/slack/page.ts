/** What a list request asks for: https://docs.slack.dev/apis/web-api/pagination */
interface PageRequest {
  cursor: string | undefined
  limit: string | undefined
  /** Fewer items, whatever the request asks for. */
  itemLimit: number | undefined
}

/** A page of `items`; `nextCursor` is empty at the end. Undefined when the cursor is none of this list. */
export function pageOf<T extends { id: string }>(
  items: readonly T[],
  { cursor, limit, itemLimit }: PageRequest,
): { items: readonly T[]; nextCursor: string } | undefined {
  const start = cursor === undefined ? 0 : items.findIndex(({ id }) => cursorOf(id) === cursor)
  if (start === -1) return undefined
  const size = Math.min(positive(limit) ?? items.length, itemLimit ?? items.length, 1000)
  const next = items[start + size]
  return { items: items.slice(start, start + size), nextCursor: next === undefined ? '' : cursorOf(next.id) }
}

function positive(text: string | undefined): number | undefined {
  const number = Number(text)
  return Number.isInteger(number) && number > 0 ? number : undefined
}

function cursorOf(id: string): string {
  return Buffer.from(`id:${id}`).toString('base64')
}
