import type { SandboxClock } from '../clock.ts'

const yearMs = 365 * 86_400_000

/** `extensions.versioning`. */
export interface Versioning {
  version: string
  warning?: string
}

/** The versions of the schema that Jobber serves. They all are the same schema here. */
export class Versions {
  #served = ['2022-09-01', '2025-01-20', '2025-04-16', '2026-02-17', '2026-03-10', '2026-04-16', '2026-07-27', '2026-09-25']
  readonly #clock: SandboxClock

  constructor(clock: SandboxClock) {
    this.#clock = clock
  }

  /**
   * The version that answers. One that is not served, or none, means the oldest; nothing but this tells.
   * https://developer.getjobber.com/docs/using_jobbers_api/api_versioning
   */
  answering(asked: string | undefined): Versioning {
    const version = this.#served.find((each) => each === asked) ?? this.#served[0] ?? ''
    if (Date.parse(version) + yearMs > this.#clock.now()) return { version }
    const warning = `API Version ${version} is no longer supported, and will be removed at any time without warning. Upgrade to the latest API version ${this.#served.at(-1)} to ensure your app continues to function. For more information: https://developer.getjobber.com/docs/using_jobbers_api/api_versioning`
    return { version, warning }
  }

  /** Serves a version no longer. Throws for the oldest, which stands in for the others. */
  retire(version: string): void {
    const left = this.#served.filter((each) => each !== version)
    if (left[0] !== this.#served[0]) throw new Error(`${version} is the oldest version: it stays.`)
    this.#served = left
  }
}
