import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const folder = join(import.meta.dirname, '../src/shared/providers')
const target = join(folder, 'registry.generated.ts')

/** The registry's source: every folder of src/shared/providers with a definition.ts, in the order of their names. */
export function registrySource(): string {
  const ids = readdirSync(folder)
    .filter((id) => existsSync(join(folder, id, 'definition.ts')))
    .toSorted()
  const imports = ids.map((id) => `import { provider as ${camelCase(id)} } from './${id}/definition.ts'\n`)
  return `// Written by scripts/generate-registry.ts, which npm run new:provider runs: do not edit.
import type { ProviderDefinition } from './define.ts'
${imports.join('')}
${providersLine(ids.map(camelCase))}
`
}

/** As the formatter has it: one line, if it is short enough. */
function providersLine(names: readonly string[]): string {
  const begin = 'export const providers: readonly ProviderDefinition[] = ['
  const line = `${begin}${names.join(', ')}]`
  return line.length <= 130 ? line : `${begin}\n${names.map((name) => `  ${name},\n`).join('')}]`
}

/** What is wrong with the registry on disk; undefined when it is up to date. */
export function checkRegistry(): string | undefined {
  if (existsSync(target) && readFileSync(target, 'utf8') === registrySource()) return undefined
  return 'src/shared/providers/registry.generated.ts is out of date: run node scripts/generate-registry.ts.'
}

export function writeRegistry(): void {
  writeFileSync(target, registrySource())
}

/** What a provider is called in the registry's source. */
export function camelCase(id: string): string {
  return id.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeRegistry()
