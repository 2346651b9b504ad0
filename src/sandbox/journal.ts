import { open, readFile, rename, truncate, type FileHandle } from 'node:fs/promises'
import { isMissing } from './state-file.ts'

const newline = 10
const chunkCharacters = 1_000_000

/**
 * An append-only file of JSON lines. A mutation costs one line, however large the data is, and a killed process loses at most
 * what no request was answered for. A last line that was cut off in writing is dropped on opening.
 */
export class Journal {
  readonly #path: string
  #handle: FileHandle
  #unwritten = ''
  #scheduled = false
  #written: Promise<void> = Promise.resolve()

  private constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  /** Opens or makes the file, and reads what it has. */
  static async open(path: string): Promise<{ journal: Journal; records: unknown[] }> {
    const records = await readLines(path)
    return { journal: new Journal(path, await open(path, 'a')), records }
  }

  append(record: unknown): void {
    this.#unwritten += `${JSON.stringify(record)}\n`
    if (this.#scheduled) return
    this.#scheduled = true
    // A failure stays in the chain and rejects the next flush, which a request waits for.
    setImmediate(() => void this.flush().catch(() => {}))
  }

  /** Settles when every record appended so far is in the file. */
  flush(): Promise<void> {
    const lines = this.#unwritten
    this.#unwritten = ''
    this.#scheduled = false
    if (lines !== '') this.#written = this.#written.then(() => this.#handle.appendFile(lines))
    return this.#written
  }

  /** Replaces the whole file, in one step as a reader sees it. */
  async rewrite(records: Iterable<unknown>): Promise<void> {
    await this.flush()
    const temporary = `${this.#path}.tmp`
    const replacement = await open(temporary, 'w')
    let chunk = ''
    for (const record of records) {
      chunk += `${JSON.stringify(record)}\n`
      if (chunk.length < chunkCharacters) continue
      await replacement.appendFile(chunk)
      chunk = ''
    }
    await replacement.appendFile(chunk)
    await replacement.close()
    await rename(temporary, this.#path)
    await this.#handle.close()
    this.#handle = await open(this.#path, 'a')
  }

  async close(): Promise<void> {
    await this.flush()
    await this.#handle.close()
  }
}

async function readLines(path: string): Promise<unknown[]> {
  const bytes = await readFile(path).catch((error: unknown) => {
    if (isMissing(error)) return Buffer.alloc(0)
    throw error
  })
  const records: unknown[] = []
  let start = 0
  for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
    records.push(JSON.parse(bytes.toString('utf8', start, end)))
    start = end + 1
  }
  if (start < bytes.length) await truncate(path, start)
  return records
}
