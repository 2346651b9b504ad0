import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import type { SandboxFactory } from './provider.ts'

/**
 * The simulations: every folder beside this file that has a `sandbox.ts`, in the order of names. A company is added by adding its folder.
 * Throws when one exports no `createSandbox`.
 */
export async function findFactories(): Promise<SandboxFactory[]> {
  const entries = await readdir(new URL('.', import.meta.url), { withFileTypes: true })
  const modules = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => new URL(`./${name}/sandbox.ts`, import.meta.url))
    .filter((url) => existsSync(url))
    .toSorted((a, b) => (a.href < b.href ? -1 : 1))
  return Promise.all(modules.map(loadFactory))
}

async function loadFactory({ href }: URL): Promise<SandboxFactory> {
  const { createSandbox } = (await import(href)) as { createSandbox?: SandboxFactory }
  if (createSandbox === undefined) throw new Error(`${href} exports no createSandbox.`)
  return createSandbox
}
