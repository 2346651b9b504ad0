import { spawn } from 'node:child_process'
import { checkVersions } from './check-versions.ts'
import { checkRegistry } from './generate-registry.ts'

/** What `npm run check` does: everything that needs no database. All steps run, so that one look shows all that is wrong. */
const deno = '--no-config --no-lock --no-remote --cached-only --node-modules-dir=manual'
const steps: Record<string, () => Promise<string | undefined>> = {
  'types under Node': command('tsc -p tsconfig.json'),
  'types of src/shared': command('tsc -p src/shared/tsconfig.json'),
  'types of src/client': command('tsc -p src/client/tsconfig.json'),
  'types of Edge Functions': command(
    `deno check ${deno} --import-map=supabase/functions/deno.json supabase/functions/*/index.ts`,
  ),
  'versions of Edge Functions': async () => checkVersions(),
  'registry of providers': async () => checkRegistry(),
  lint: command('oxlint'),
  format: command('oxfmt --check'),
  'dead code': command('knip --no-config-hints'),
  migrations: command('squawk "supabase/migrations/*.sql"'),
}

const failed: string[] = []
for (const [name, run] of Object.entries(steps)) {
  const start = performance.now()
  const problem = await run()
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${problem === undefined ? 'ok    ' : 'FAILED'}  ${name}  (${seconds} s)`)
  if (problem === undefined) continue
  failed.push(name)
  console.log(`\n${problem.trimEnd()}\n`)
}
if (failed.length > 0) {
  console.log(`check failed: ${failed.join(', ')}.${failed.includes('format') ? ' npm run format mends the format.' : ''}`)
  process.exitCode = 1
}

/** Runs a command of node_modules/.bin; resolves with what it printed when it fails. */
function command(line: string): () => Promise<string | undefined> {
  return () =>
    new Promise((resolve) => {
      const child = spawn(line, {
        shell: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, DENO_NO_UPDATE_CHECK: '1' },
      })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
      child.once('error', (error) => resolve(error.message))
      child.once('close', (code) => resolve(code === 0 ? undefined : `$ ${line}\n${output}`))
    })
}
