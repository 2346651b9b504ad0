/** The sandbox's own clock: token lifetimes, change times and the `Date` header follow it. */
export class SandboxClock {
  #skewMs = 0

  /** Milliseconds since the epoch, as the provider sees it. */
  now(): number {
    return Date.now() + this.#skewMs
  }

  /** Sets how far this clock is ahead of the machine's; negative: behind. */
  setSkew(seconds: number): void {
    this.#skewMs = seconds * 1000
  }
}

/** RFC 3339 with milliseconds and `Z`. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString()
}
