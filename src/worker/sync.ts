import { Presets, SingleBar } from 'cli-progress'
import { Command } from 'commander'
import type { Runtime } from '../shared/runtime.ts'
import { findEndpoint } from './operator-endpoints.ts'
import { asOperator, print } from './operator.ts'
import { listenForStop } from './stop-signals.ts'
import { type SyncProgress, syncHere } from './sync-here.ts'

// The entry of `npm run sync`: one endpoint, here and now.
const program = new Command('npm run sync --')
  .description(
    'Syncs an endpoint in this process, or follows the worker that does. Ctrl-C hands the run back: a worker goes on from where it was.',
  )
  .argument('<id or name>', 'the endpoint')
  .option('--json', 'print the result as JSON', false)
  .parse()

const { json } = program.opts<{ json: boolean }>()
const [which = ''] = program.args
const { told, handBack } = listenForStop()

await asOperator(
  3,
  async (runtime) => {
    const { id, name } = await findEndpoint(runtime.sql, which)
    const bar = createBar(await countFiles(runtime, id))
    const result = await syncHere(runtime, id, { told, show: bar.show }).finally(bar.stop)
    if (result) {
      print(json, { endpoint_id: id, ...result }, `${name}: ${sentenceOf(result)}`)
      if (result.status !== 'completed') process.exitCode = 1
    } else {
      print(json, { endpoint_id: id, status: 'handed_back' }, `${name}: handed back. A worker goes on from where this was.`)
      process.exitCode = 130
    }
  },
  handBack,
)

/** As many files are expected as there were. Before the first sync nobody knows: then there are figures, and no bar. */
function createBar(files: number): { show: (progress: SyncProgress, by: 'here' | 'worker') => void; stop: () => void } {
  const { stderr } = process
  if (!stderr.isTTY) return { show: () => {}, stop: () => {} }
  const format = `${files > 0 ? '{bar} ' : ''}{value} files read, {inserted} added, {updated} changed, {deleted} deleted, {requests} requests {by}`
  const bar = new SingleBar({ format, stream: stderr, clearOnComplete: true, hideCursor: true, fps: 10 }, Presets.shades_classic)
  bar.start(Math.max(1, files), 0, { inserted: 0, updated: 0, deleted: 0, requests: 0, by: '' })
  return {
    show: ({ fetched, inserted, updated, deleted, requests }, by) => {
      bar.setTotal(Math.max(bar.getTotal(), fetched))
      bar.update(fetched, { inserted, updated, deleted, requests, by: by === 'here' ? '' : '(by a worker)' })
    },
    stop: () => bar.stop(),
  }
}

async function countFiles({ sql }: Runtime, endpointId: string): Promise<number> {
  const [row] = await sql<[{ files: number }]>`
    select count(*)::int as files from public.files where endpoint_id = ${endpointId}::uuid`
  return row.files
}

function sentenceOf({
  status,
  fetched,
  inserted,
  updated,
  deleted,
  requests,
  error_code: code,
  error_message: why,
}: SyncProgress): string {
  const counts = `${fetched} files read, ${inserted} added, ${updated} changed, ${deleted} deleted, with ${requests} requests.`
  return `${status}. ${counts}${why === null ? '' : ` ${why}`}${code === null ? '' : ` (${code})`}`
}
