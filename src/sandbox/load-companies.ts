import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'

/**
 * What every folder beside this file exports as `name` from its file `file`, in the order of the folders' names; one without that file is
 * left out. Throws when the file exports no such thing.
 */
export async function loadCompanies<Value>(file: string, name: string): Promise<Value[]> {
  const entries = await readdir(new URL('.', import.meta.url), { withFileTypes: true })
  const modules = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => new URL(`./${entry.name}/${file}`, import.meta.url))
    .filter((url) => existsSync(url))
    .toSorted((a, b) => (a.href < b.href ? -1 : 1))
  return Promise.all(
    modules.map(async ({ href }) => {
      const { [name]: value } = (await import(href)) as Record<string, Value | undefined>
      if (value === undefined) throw new Error(`${href} exports no ${name}.`)
      return value
    }),
  )
}
