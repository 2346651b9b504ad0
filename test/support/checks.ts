/** A list of checks outside the test runner: each prints its line when it is done, with what was wrong. */
export class Checks {
  passed = 0
  failed = 0

  async check(sentence: string, work: () => Promise<unknown>): Promise<void> {
    const start = performance.now()
    const failure = await work().then(() => undefined, describeFailure)
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    console.log(`${failure === undefined ? 'ok    ' : 'FAILED'}  ${sentence}  (${seconds} s)`)
    if (failure === undefined) this.passed += 1
    else this.failed += 1
    if (failure !== undefined) console.log(`\n${failure.trimEnd()}\n`)
  }

  /** Prints the count, and makes the process fail when a check did. */
  end(): void {
    console.log(`${this.passed} passed, ${this.failed} failed`)
    process.exitCode = this.failed === 0 ? 0 : 1
  }
}

/** What a failed command printed belongs to its message. */
function describeFailure(error: unknown): string {
  const { message = String(error), stdout = '', stderr = '' } = error as { message?: string; stdout?: string; stderr?: string }
  return `${message}\n${stdout}${stderr}`
}
