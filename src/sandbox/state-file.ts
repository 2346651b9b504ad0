import { readFile, rename, writeFile } from 'node:fs/promises'

/** One JSON value on disk. A reader finds the old value or the new one, never a half. */
export class StateFile {
  readonly #path: string
  #unsaved: (() => unknown) | null = null
  #written: Promise<void> = Promise.resolve()

  constructor(path: string) {
    this.#path = path
  }

  /** The stored value, or undefined when there is none yet. Throws when the file is not JSON. */
  async load(): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.#path, 'utf8'))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** Has `snapshot()` written with the next `flush`. Calls in between share one write. */
  save(snapshot: () => unknown): void {
    this.#unsaved = snapshot
  }

  /** Settles when everything saved so far is on disk. Rejects when it could not be written. */
  flush(): Promise<void> {
    const snapshot = this.#unsaved
    this.#unsaved = null
    if (snapshot !== null) this.#written = this.#written.then(() => writeAtomically(this.#path, JSON.stringify(snapshot())))
    return this.#written
  }
}

/** True for the error of a file that does not exist. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

async function writeAtomically(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`
  // It holds tokens: simulated, but a habit is a habit.
  await writeFile(temporary, text, { mode: 0o600 })
  await rename(temporary, path)
}
