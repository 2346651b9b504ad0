import type { ProviderDefinition } from '../../src/shared/providers/define.ts'
import type { FileStream } from '../../src/shared/sync/stream.ts'
import { FileScene, type FileScenario } from './file-scene.ts'
import { playScenarios } from './play-scenarios.ts'
import { expectAsDescribed, expectNoSecretSaid } from './reviews.ts'
import { changing } from './scenarios/files/changing.ts'
import { choosing } from './scenarios/files/choosing.ts'
import { describing } from './scenarios/files/describing.ts'
import { mixing } from './scenarios/files/mixing.ts'
import { resuming } from './scenarios/files/resuming.ts'
import { stopping } from './scenarios/files/stopping.ts'
import { telling } from './scenarios/files/telling.ts'

/** Further rows of the matrix, in order. */
const scenarios: readonly FileScenario[] = [
  ...changing,
  ...mixing,
  ...describing,
  ...resuming,
  ...stopping,
  ...choosing,
  ...telling,
]

/**
 * What must hold for each kind of endpoint: whatever happens to the files at the provider, its rows follow, and nothing else is touched.
 * Nothing here knows which provider it is.
 */
export function fileSuite(kind: { definition: ProviderDefinition; endpointType: string; stream: FileStream }): void {
  const { definition, endpointType, stream } = kind
  playScenarios({
    title: `${definition.id}, files of ${endpointType}`,
    definition,
    scenarios: scenarios.map(({ name, unless, play }) => ({
      name,
      unless: () => unless?.(stream),
      play: async (scene) => play(await FileScene.open(scene, endpointType, stream)),
    })),
    reviews: [
      {
        name: 'requests and answers about files are as the provider describes them',
        look: (stage, ctx) => expectAsDescribed(stage, ctx, { gaps: 'fileGaps', least: scenarios.length }),
      },
      {
        name: 'no token or code is in a log or an answer about files',
        look: async (stage) => expectNoSecretSaid(stage, { least: scenarios.length }),
      },
    ],
  })
}
