import { loadCompanies } from './load-companies.ts'
import type { SandboxFactory } from './provider.ts'

/**
 * The simulations: every folder beside this file that has a `sandbox.ts`, in the order of names. A company is added by adding its folder.
 * Throws when one exports no `createSandbox`.
 */
export function findFactories(): Promise<SandboxFactory[]> {
  return loadCompanies('sandbox.ts', 'createSandbox')
}
