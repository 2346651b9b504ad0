import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import type { ProviderDefinition } from '../../src/shared/providers/define.ts'
import { contractOf } from '../contract/contracts.ts'
import { checkExchanges } from '../contract/operation.ts'
import { specsAreMissing } from '../contract/specs.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import type { Scenario } from './scenario.ts'
import { connecting } from './scenarios/connecting.ts'
import { ending } from './scenarios/ending.ts'
import { reading } from './scenarios/reading.ts'
import { refreshing } from './scenarios/refreshing.ts'
import { tokenAnswers } from './scenarios/token-answers.ts'
import { openStage, type Stage } from './scene.ts'

/** The rows of the matrix, in order. */
const scenarios: readonly Scenario[] = [...connecting, ...refreshing, ...tokenAnswers, ...ending, ...reading]

/**
 * What must hold for a provider, from connecting to the pages of its first list: its definition against its simulation, our handlers
 * and a real database. Nothing here knows which provider it is.
 */
export function providerSuite(definition: ProviderDefinition): void {
  // oxlint-disable-next-line vitest/valid-title -- it is one: a text that the definition has
  describe(definition.id, { concurrent: true }, () => {
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
    // Of one provider, one after the other; the providers beside each other, as most of the time they wait.
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

    it('requests and answers are as the provider describes them', options, async (ctx) => {
      requireAll(ctx, begun)
      const missing = specsAreMissing()
      ctx.skip(missing !== undefined, missing)
      const contract = contractOf(definition.id)
      if (contract === undefined) return doesNotApply(ctx, 'there is no official description')
      const exchanges = await stage.exchanges.all()
      expect(exchanges.length).toBeGreaterThan(scenarios.length)
      expect(checkExchanges(contract, exchanges)).toEqual([])
    })

    it('no token or code is in a log or an answer', options, (ctx) => {
      requireAll(ctx, begun)
      const said = stage.said.join('\n')
      expect(stage.secrets.size).toBeGreaterThan(scenarios.length)
      expect([...stage.secrets].filter((secret) => said.includes(secret))).toEqual([])
    })
  })
}

/** For what looks at all that was done before. */
function requireAll(ctx: TestContext, begun: number): void {
  ctx.skip(begun < scenarios.length, 'it looks at what all scenarios did, and some were left out')
}

/** Shown as `-`, with its reason, and not counted among the tests that could not run. */
function doesNotApply(ctx: TestContext, reason: string): never {
  ctx.task.meta.doesNotApply = true
  ctx.skip(reason)
}
