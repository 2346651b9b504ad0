import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

// Tests that start many processes, or whose figures a busy machine would spoil: one file at a time, after all others.
const alone = ['test/e2e/**/*.test.ts', 'test/deploy/**/*.test.ts', 'test/oauth/refresh.test.ts', 'test/suites/**/*.test.ts']

export default defineConfig({
  test: {
    // One Postgres for the whole run; each test makes its own database in it.
    globalSetup: './test/support/global-setup.ts',
    reporters: ['default', './test/support/closing-lines.ts'],
    // Every provider's suite at the same time: they wait, for the most part.
    maxConcurrency: 10,
    projects: [
      project('beside', ['test/**/*.test.ts'], alone, { maxWorkers: 2, sequence: { groupOrder: 0 } }),
      project('alone', alone, [], { maxWorkers: 1, sequence: { groupOrder: 1 }, testTimeout: 180_000 }),
    ],
  },
})

function project(
  name: string,
  include: string[],
  exclude: string[],
  options: NonNullable<TestProjectInlineConfiguration['test']>,
): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      name,
      include,
      exclude,
      environment: 'node',
      testTimeout: 30_000,
      hookTimeout: 60_000,
      restoreMocks: true,
      ...options,
    },
  }
}
