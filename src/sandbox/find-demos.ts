import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import type { DemoFactory } from './demo.ts'

/** The demos: of every folder beside this file that has a `demo.ts`, in the order of names. Throws when one exports no `createDemo`. */
export async function findDemos(): Promise<DemoFactory[]> {
  const entries = await readdir(new URL('.', import.meta.url), { withFileTypes: true })
  const modules = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => new URL(`./${name}/demo.ts`, import.meta.url))
    .filter((url) => existsSync(url))
    .toSorted((a, b) => (a.href < b.href ? -1 : 1))
  return Promise.all(modules.map(loadDemo))
}

async function loadDemo({ href }: URL): Promise<DemoFactory> {
  const { createDemo } = (await import(href)) as { createDemo?: DemoFactory }
  if (createDemo === undefined) throw new Error(`${href} exports no createDemo.`)
  return createDemo
}
