import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node'
import { matrixLines } from './matrix.ts'

/** Ends a run with the matrix of providers, the tests that could not run and why, and one plain line of figures. */
export default class ClosingLines implements Reporter {
  #isFiltered = false

  onInit(vitest: Vitest): void {
    this.#isFiltered = vitest.config.testNamePattern !== undefined
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const matrix = matrixLines(tests)
    if (matrix.length > 0) console.log([...matrix, ''].join('\n'))

    const skipped = tests.filter((test) => test.result().state === 'skipped' && test.meta().doesNotApply !== true)
    // With -t, most are left out on purpose.
    const unable = this.#isFiltered ? skipped.filter((test) => reasonOf(test) !== undefined) : skipped
    if (unable.length > 0) console.log(['Not run:', ...describeSkipped(unable), ''].join('\n'))

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

/** Each reason once, after all tests that have it. */
function describeSkipped(tests: readonly TestCase[]): string[] {
  const byReason = Map.groupBy(tests, (test) => reasonOf(test) ?? 'no reason given: use ctx.skip(condition, reason)')
  return [...byReason].flatMap(([reason, those]) => [
    ...those.map((test) => `  ${test.module.relativeModuleId}: ${test.fullName}`),
    `    ${reason}`,
  ])
}

function reasonOf(test: TestCase): string | undefined {
  const result = test.result()
  return result.state === 'skipped' ? result.note : undefined
}
