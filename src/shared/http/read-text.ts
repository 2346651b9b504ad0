/**
 * A body's text, decoded; undefined when it has more than `maxBytes`, and the rest is not read. `count` is told the size of each piece,
 * in bytes.
 */
export async function readText(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  count: (bytes: number) => void = () => {},
): Promise<string | undefined> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const piece of body ?? []) {
    bytes += piece.byteLength
    count(piece.byteLength)
    // Leaving the loop cancels the body.
    if (bytes > maxBytes) return undefined
    text += decoder.decode(piece, { stream: true })
  }
  return text + decoder.decode()
}
