import type { ProviderDefinition } from '../../src/shared/providers/define.ts'
import type { Scene } from './scene.ts'

/** One row of the matrix: something that must hold for every provider. */
export interface Scenario {
  name: string
  /** Why it does not apply to a provider, read off its definition; undefined: it does. */
  unless?: (definition: ProviderDefinition) => string | undefined
  /** Gives a reason when it turns out that it does not apply: what a provider offers its users, no definition says. */
  play: (scene: Scene) => Promise<string | void>
}
