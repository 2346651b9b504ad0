import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** Ends a run with the tests that could not run and why, and with one plain line of figures. */
export default class ClosingLines implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const skipped = tests.filter((test) => test.result().state === 'skipped')
    if (skipped.length > 0) console.log(['Not run:', ...skipped.map(describeSkipped), ''].join('\n'))

    const passed = tests.filter((test) => test.result().state === 'passed').length
    // A file that cannot be loaded, a hook that throws and an error outside any test fail the run too.
    const outside = modules.flatMap((module) => [...module.children.allSuites()].flatMap((suite) => suite.errors()))
    const failed =
      tests.filter((test) => test.result().state === 'failed').length +
      modules.filter((module) => module.errors().length > 0).length +
      outside.length +
      unhandled.length
    console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`)
  }
}

function describeSkipped(test: TestCase): string {
  const result = test.result()
  const reason = (result.state === 'skipped' && result.note) || 'no reason given: use ctx.skip(condition, reason)'
  return `  ${test.module.relativeModuleId}: ${test.fullName}\n    ${reason}`
}
