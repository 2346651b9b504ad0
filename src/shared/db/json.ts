/**
 * Serialises `value` so that Postgres accepts it as jsonb: U+0000 and lone surrogates, which providers do send in names, become
 * U+FFFD. Everything else stays as it is.
 */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value)
  // JSON.stringify writes both as escapes, so the common case costs one scan.
  if (!/\\u(0000|d[89a-f])/.test(json)) return json
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'string' ? item.replaceAll('\u0000', '\uFFFD').toWellFormed() : item,
  )
}
