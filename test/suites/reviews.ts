import { expect, type TestContext } from 'vitest'
import { contractOf } from '../contract/contracts.ts'
import { checkExchanges } from '../contract/operation.ts'
import { specsAreMissing } from '../contract/specs.ts'
import type { Stage } from './scene.ts'

/** That `least` exchanges with the provider, and all others, were as it describes them. Gives a reason when it describes nothing. */
export async function expectAsDescribed(
  { definition, exchanges }: Stage,
  ctx: TestContext,
  { gaps, least }: { gaps: 'gaps' | 'fileGaps'; least: number },
): Promise<string | void> {
  const missing = specsAreMissing()
  ctx.skip(missing !== undefined, missing)
  const contract = contractOf(definition.id)
  if (contract === undefined) return 'there is no official description'
  const all = await exchanges.all()
  expect(all.length).toBeGreaterThan(least)
  expect(checkExchanges({ operations: contract.operations, gaps: contract[gaps] ?? [] }, all)).toEqual([])
}

/** That nothing which was said on stage has a secret in it; `least` of them, and more, were given out. */
export function expectNoSecretSaid({ said, secrets }: Stage, { least }: { least: number }): void {
  const all = said.join('\n')
  expect(secrets.size).toBeGreaterThan(least)
  expect([...secrets].filter((secret) => all.includes(secret))).toEqual([])
}
