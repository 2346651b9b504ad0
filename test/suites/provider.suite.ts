import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ProviderDefinition } from '../../src/shared/providers/define.ts'
import type { Scenario } from './scenario.ts'
import { connecting } from './scenarios/connecting.ts'
import { ending } from './scenarios/ending.ts'
import { reading } from './scenarios/reading.ts'
import { refreshing } from './scenarios/refreshing.ts'
import { tokenAnswers } from './scenarios/token-answers.ts'
import { openStage, type Stage } from './scene.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** Puts a test into the matrix that ends the run: its column. The test's name is its row. */
    provider?: string
  }
}

/** The rows of the matrix, in order. */
const scenarios: readonly Scenario[] = [...connecting, ...refreshing, ...tokenAnswers, ...ending, ...reading]

/**
 * What must hold for a provider, from connecting to the pages of its first list: its definition against its simulation, our handlers
 * and a real database. Nothing here knows which provider it is.
 */
export function providerSuite(definition: ProviderDefinition): void {
  describe(definition.id, { concurrent: true }, () => {
    let stage: Stage
    beforeAll(async () => {
      stage = await openStage(definition)
    })
    afterAll(() => stage[Symbol.asyncDispose]())
    // Of one provider, one after the other; the providers beside each other, as most of the time they wait.
    const options = { concurrent: false, meta: { provider: definition.id } }

    for (const { name, unless, play } of scenarios) {
      it(name, options, async (ctx) => {
        const reason = unless?.(definition)
        ctx.skip(reason !== undefined, reason)
        await using scene = await stage.openScene()
        await play(scene)
      })
    }

    it('no token or code is in a log or an answer', options, () => {
      const said = stage.said.join('\n')
      expect(stage.secrets.size).toBeGreaterThan(scenarios.length)
      expect([...stage.secrets].filter((secret) => said.includes(secret))).toEqual([])
    })
  })
}
