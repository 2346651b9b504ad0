import { afterAll, beforeAll, describe, it, type TestContext } from 'vitest'
import type { ProviderDefinition } from '../../src/shared/providers/define.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import type { Scenario } from './scenario.ts'
import { openStage, type Stage } from './scene.ts'

export interface Play {
  /** Of the tests, beside others. */
  title: string
  definition: ProviderDefinition
  /** The rows of the matrix, in order. */
  scenarios: readonly Scenario[]
  /** Further rows, which look at what was done in all others. */
  reviews: readonly Review[]
}

export interface Review {
  name: string
  /** Gives a reason when it does not apply. */
  look: (stage: Stage, ctx: TestContext) => Promise<string | void>
}

/**
 * Plays scenarios for one provider, on a stage of their own, one after the other; the providers beside each other, as most of the time they
 * wait.
 */
export function playScenarios({ title, definition, scenarios, reviews }: Play): void {
  // oxlint-disable-next-line vitest/valid-title -- it is one: a text
  describe(title, { concurrent: true }, () => {
    let database: TestDatabase
    let stage: Stage
    let begun = 0
    beforeAll(async () => {
      database = await createTestDatabase()
      stage = await openStage(definition, database.url)
    })
    afterAll(async () => {
      await stage[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    })
    const options = { concurrent: false, meta: { provider: definition.id } }

    for (const { name, unless, play } of scenarios) {
      // oxlint-disable-next-line vitest/expect-expect, vitest/valid-title -- the scenario has both
      it(name, options, async (ctx) => {
        begun += 1
        const reason = unless?.(definition)
        if (reason !== undefined) return doesNotApply(ctx, reason)
        await using scene = await stage.openScene()
        const found = await play(scene)
        if (found !== undefined) return doesNotApply(ctx, found)
      })
    }

    for (const { name, look } of reviews) {
      // oxlint-disable-next-line vitest/expect-expect, vitest/valid-title -- the review has both
      it(name, options, async (ctx) => {
        ctx.skip(begun < scenarios.length, 'it looks at what all scenarios did, and some were left out')
        const found = await look(stage, ctx)
        if (found !== undefined) return doesNotApply(ctx, found)
      })
    }
  })
}

/** Shown as `-`, with its reason, and not counted among the tests that could not run. */
function doesNotApply(ctx: TestContext, reason: string): never {
  ctx.task.meta.doesNotApply = true
  ctx.skip(reason)
}
