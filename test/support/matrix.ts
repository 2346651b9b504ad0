import type { TestCase } from 'vitest/node'

declare module 'vitest' {
  interface TaskMeta {
    /** Puts a test into the matrix: its column. The test's name is its row. */
    provider?: string
    /** Set by a test that ends itself because there is nothing to show; its note says why. */
    doesNotApply?: boolean
  }
}

/** Providers across, scenarios down, from the results of the tests themselves; then why `-` stands where it does. */
export function matrixLines(tests: readonly TestCase[]): string[] {
  const cells = tests.flatMap((test) => {
    const { provider } = test.meta()
    return provider === undefined ? [] : [{ provider, scenario: test.name, test }]
  })
  const providers = unique(cells.map(({ provider }) => provider))
  const scenarios = unique(cells.map(({ scenario }) => scenario))
  if (providers.length === 0) return []

  const width = Math.max(...scenarios.map(({ length }) => length))
  const row = (name: string, states: readonly string[]) =>
    [name.padEnd(width), ...states.map((state, index) => state.padEnd(providers[index]?.length ?? 0))].join('  ').trimEnd()
  const stateOf = (scenario: string, provider: string) => {
    const cell = cells.find((each) => each.scenario === scenario && each.provider === provider)
    return cell === undefined ? '' : describeState(cell.test)
  }
  return [
    'ok: holds   -: does not apply   .: was not run',
    row('', providers),
    ...scenarios.map((scenario) =>
      row(
        scenario,
        providers.map((provider) => stateOf(scenario, provider)),
      ),
    ),
    ...unique(cells.flatMap(({ test, provider, scenario }) => explain(test, provider, scenario))),
  ]
}

function describeState(test: TestCase): string {
  const { state } = test.result()
  if (state === 'passed') return 'ok'
  if (state === 'failed') return 'FAILED'
  return test.meta().doesNotApply === true ? '-' : '.'
}

function explain(test: TestCase, provider: string, scenario: string): string[] {
  const result = test.result()
  if (result.state !== 'skipped' || test.meta().doesNotApply !== true) return []
  return [`- ${provider}, ${scenario}: ${result.note ?? 'no reason given'}`]
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)]
}
