import { readFileSync } from 'node:fs'
import { z } from 'zod'

const Manifest = z.object({ dependencies: z.record(z.string(), z.string()) })
const ImportMap = z.object({ imports: z.record(z.string(), z.string()) })

/**
 * Edge Functions take their packages from supabase/functions/deno.json, Node from package.json: both must be the same version.
 * Returns what is wrong, one sentence a line.
 */
export function checkVersions(): string | undefined {
  const { dependencies } = Manifest.parse(readJson('../package.json'))
  const { imports } = ImportMap.parse(readJson('../supabase/functions/deno.json'))
  const problems = Object.entries(imports).flatMap(([name, target]) => {
    const expected = `npm:${name}@${dependencies[name]}`
    if (dependencies[name] === undefined) return [`${name} is not among the dependencies of package.json.`]
    if (!/^\d/.test(dependencies[name])) return [`package.json does not pin ${name}: write one exact version.`]
    return target === expected ? [] : [`${name} is ${target}, but package.json says ${expected}.`]
  })
  return problems.length === 0 ? undefined : problems.map((problem) => `supabase/functions/deno.json: ${problem}`).join('\n')
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
}
