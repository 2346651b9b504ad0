import { styleText } from 'node:util'
import { Command } from 'commander'
import { asPatchbayError } from '../shared/failure.ts'
import type { Runtime } from '../shared/runtime.ts'
import { type Finding, failed, ok } from './check/check.ts'
import { runChecks } from './check/checks.ts'
import { settingsHint } from './failure.ts'
import { openRuntime } from './runtime.ts'

// The entry of `npm run check:supabase`: an operator's look at a project, before the first sync and when something is wrong. It reads and
// asks; it changes nothing.
const { json } = new Command('npm run check:supabase --')
  .description(
    'Checks the project that the environment names: address, keys, database, migrations, functions, scheduler, tokens, apps. Each line ' +
      'says what to do. Exits with 1 when something will not work.',
  )
  .option('--json', 'print the findings as JSON', false)
  .parse()
  .opts<{ json: boolean }>()

const found: ({ check: string } & Finding)[] = []

const runtime = readSettings()
if (runtime !== undefined) {
  report('settings', ok('The environment variables can be read.'))
  try {
    for await (const [{ name }, findings] of runChecks(runtime, (check) => showProgress(check.name))) {
      for (const finding of findings) report(name, finding)
    }
  } finally {
    await runtime.sql.end({ timeout: 5 })
  }
}
const wrong = found.some(({ state }) => state === 'failed')
if (json) console.log(JSON.stringify({ ok: !wrong, findings: found }, null, 2))
else console.log(summary())
if (wrong) process.exitCode = 1

function readSettings(): Runtime | undefined {
  try {
    return openRuntime(() => 2)
  } catch (error) {
    const { message, hint } = asPatchbayError(error)
    report('settings', failed(message, hint ?? settingsHint))
    return undefined
  }
}

function report(check: string, finding: Finding): void {
  found.push({ check, ...finding })
  if (json) return
  hideProgress()
  const colour = { ok: 'green', warning: 'yellow', failed: 'red' } as const
  const { state, text, remedy } = finding
  console.log(`${styleText(colour[state], state.padEnd(8), { stream: process.stdout })} ${text.replaceAll('\n', '\n         ')}`)
  if (remedy !== undefined) console.log(`         → ${remedy}`)
}

function summary(): string {
  const count = (state: Finding['state']): number => found.filter((finding) => finding.state === state).length
  return `\n${count('failed')} failed, ${count('warning')} warnings, ${count('ok')} ok.`
}

/** Functions that have to start, and a database far away, take their seconds. */
function showProgress(check: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K… ${check}`)
}

function hideProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[K')
}
