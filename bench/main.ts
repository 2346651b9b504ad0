import { writeFile } from 'node:fs/promises'
import { styleText } from 'node:util'
import { Command, Option } from 'commander'
import { createNarrator } from '../src/local/narrator.ts'
import { measures } from './measures/index.ts'
import { startBench } from './support/bench.ts'
import type { Figure } from './support/figures.ts'
import { createReport, printReport } from './support/report.ts'
import { fullSizes, quickSizes } from './support/sizes.ts'

interface Options {
  only?: string[]
  quick: boolean
  json: boolean
  out?: string
  explain: boolean
}

// The entry of `npm run bench`.
const options = new Command('npm run bench --')
  .description('Measures Patchbay against other ways to do the same, alternating within one run. Takes minutes.')
  .addOption(new Option('--only <name...>', 'these measures only').choices(measures.map(({ name }) => name)))
  .option('--quick', 'small sizes, to see that everything runs; no target is judged', false)
  .option('--json', 'print JSON instead of the table', false)
  .option('--out <file>', 'write the JSON to a file as well')
  .option('--explain', 'print how Postgres executes the pages of rls-page', false)
  .parse()
  .opts<Options>()

const stopping = new AbortController()
process.once('SIGINT', () => stopping.abort())
process.once('SIGTERM', () => stopping.abort())

try {
  process.exitCode = await run()
} catch (error) {
  process.exitCode = stopping.signal.aborted ? 130 : 1
  if (!stopping.signal.aborted) process.stderr.write(`${styleText('red', '✗')} ${explainError(error)}\n`)
}
// The servers are stopped; what a library may still hold open is no reason to stay.
process.exit()

async function run(): Promise<number> {
  await using started = new AsyncDisposableStack()
  const narrator = createNarrator(process.stderr)
  started.defer(() => narrator.stop())
  const sizes = options.quick ? quickSizes : fullSizes
  const bench = started.use(await startBench({ sizes, progress: narrator, explain: options.explain }))

  const figures: Figure[] = []
  for (const measure of measures) {
    if (options.only && !options.only.includes(measure.name)) continue
    const found = await Promise.race([measure.run(bench), interrupted()])
    if (!found) return 130
    figures.push(...found)
  }

  const report = createReport(options.quick, figures)
  const json = `${JSON.stringify(report, null, 2)}\n`
  if (options.out !== undefined) await writeFile(options.out, json)
  if (options.json) process.stdout.write(json)
  else printReport(report)
  return options.quick || figures.every((figure) => figure.ok) ? 0 : 1
}

/** Resolves with Ctrl-C. */
function interrupted(): Promise<void> {
  const { signal } = stopping
  if (signal.aborted) return Promise.resolve()
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }))
}

/** What went wrong first; what failed after it, while all was being stopped, is rarely of interest. */
function explainError(error: unknown): string {
  if (error instanceof SuppressedError) return explainError(error.suppressed)
  return error instanceof Error ? error.message : String(error)
}
