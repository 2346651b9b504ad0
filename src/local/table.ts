/** Lines that show `rows` as a table, numbers to the right; the columns are the first row's keys. */
export function formatTable(rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  const columns = Object.keys(rows[0] ?? {})
  const cells = rows.map((row) => columns.map((column) => formatCell(row[column])))
  const widths = columns.map((column, index) => Math.max(column.length, ...cells.map((line) => line[index]?.length ?? 0)))
  const toTheRight = columns.map((column) => typeof rows[0]?.[column] === 'number')
  const format = (line: readonly string[]): string =>
    line.map((cell, i) => (toTheRight[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ')
  return [format(columns), widths.map((width) => '─'.repeat(width)).join('  '), ...cells.map(format)].map(
    (line) => `  ${line.trimEnd()}`,
  )
}

function formatCell(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'number') return value.toLocaleString('en')
  return typeof value === 'string' ? value : JSON.stringify(value)
}
