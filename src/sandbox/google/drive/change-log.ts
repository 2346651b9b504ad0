import type { Corpus } from './access.ts'

/** Something happened to a file. */
export interface FileChange {
  number: number
  /** Milliseconds since the epoch. */
  time: number
  fileId: string
  /** Set when it is now seen by others than before; `to` is null when the file is gone for good. */
  moved: { from: Corpus; to: Corpus | null } | null
}

/** An account became a member of a shared drive, or ceased to be one. */
export interface DriveChange {
  number: number
  time: number
  driveId: string
  account: string
}

export type Change = FileChange | DriveChange

/** All changes, numbered without gaps. Nothing is ever dropped: Google's change tokens do not expire. */
export class ChangeLog {
  /** The number of the first change. Below it, a page token belongs to another sandbox. */
  readonly first: number
  readonly #changes: Change[] = []
  /** Called after each change. */
  onChange: (() => void) | null = null

  constructor(first: number) {
    this.first = first
  }

  /** The number that the next change will have. */
  get next(): number {
    return this.first + this.#changes.length
  }

  push(change: Change): void {
    this.#changes.push(change)
    this.onChange?.()
  }

  at(number: number): Change | undefined {
    return this.#changes[number - this.first]
  }

  all(): readonly Change[] {
    return this.#changes
  }
}
