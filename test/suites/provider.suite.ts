import type { ProviderDefinition } from '../../src/shared/providers/define.ts'
import { playScenarios } from './play-scenarios.ts'
import { expectAsDescribed, expectNoSecretSaid } from './reviews.ts'
import type { Scenario } from './scenario.ts'
import { connecting } from './scenarios/connecting.ts'
import { ending } from './scenarios/ending.ts'
import { reading } from './scenarios/reading.ts'
import { refreshing } from './scenarios/refreshing.ts'
import { tokenAnswers } from './scenarios/token-answers.ts'

/** The rows of the matrix, in order. */
const scenarios: readonly Scenario[] = [...connecting, ...refreshing, ...tokenAnswers, ...ending, ...reading]

/**
 * What must hold for a provider, from connecting to the pages of its first list: its definition against its simulation, our handlers
 * and a real database. Nothing here knows which provider it is.
 */
export function providerSuite(definition: ProviderDefinition): void {
  playScenarios({
    title: definition.id,
    definition,
    scenarios,
    reviews: [
      {
        name: 'requests and answers are as the provider describes them',
        look: (stage, ctx) => expectAsDescribed(stage, ctx, { gaps: 'gaps', least: scenarios.length }),
      },
      {
        name: 'no token or code is in a log or an answer',
        look: async (stage) => expectNoSecretSaid(stage, { least: scenarios.length }),
      },
    ],
  })
}
