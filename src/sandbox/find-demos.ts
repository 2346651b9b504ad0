import type { DemoFactory } from './demo.ts'
import { loadCompanies } from './load-companies.ts'

/** The demos: of every folder beside this file that has a `demo.ts`, in the order of names. Throws when one exports no `createDemo`. */
export function findDemos(): Promise<DemoFactory[]> {
  return loadCompanies('demo.ts', 'createDemo')
}
