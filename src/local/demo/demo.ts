import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from 'postgres'
import { openSql } from '../connection.ts'
import { createPatchbay } from '../../client/create-patchbay.ts'
import type { SandboxDemo } from '../../sandbox/demo.ts'
import { findDemos } from '../../sandbox/find-demos.ts'
import { findProvider } from '../../shared/providers/registry.ts'
import type { Platform } from '../services.ts'
import { compareWithProvider, providerFiles } from './compare.ts'
import { connectProvider } from './connect.ts'
import { createEndpoint, readSyncState } from './endpoint.ts'
import { firstEmail, type Person, signIn } from './people.ts'
import { countFiles, type PersonView, readAsPerson } from './report.ts'

/** Where the demo tells what it does. */
export interface Narrator {
  /** A step begins; its progress follows where it takes longer. */
  step: (title: string) => void
  /** From 0 to 1. */
  progress: (fraction: number, text: string) => void
  /** The step is done; says what came of it. */
  done: (text: string) => void
}

/** What the demo found, and every figure that is not as it must be. */
export interface DemoResult {
  first: PersonView
  second: PersonView
  wrong: string[]
}

/** A sync must move within this time, or something is broken. */
const stalledMs = 120_000
/** What webhooks name is in Postgres within this time, or is left to a sync. */
const webhookMs = 30_000

/** Does the product's main job with real parts: two users, a connection, a first sync, changes, and what each user sees. */
export async function runDemo(platform: Platform, sandboxUrl: string, narrator: Narrator): Promise<DemoResult> {
  const demos = (await findDemos()).map((create) => create(sandboxUrl))
  const sql = openSql(platform.dbUrl, { max: 2 })
  try {
    return await play(platform, demos, sql, narrator)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

async function play(platform: Platform, demos: SandboxDemo[], sql: Sql, narrator: Narrator): Promise<DemoResult> {
  const wrong: string[] = []
  narrator.step('Signing up two users')
  const first = await signIn(platform, firstEmail)
  const second = await signIn(platform, 'second@example.com')
  narrator.done(`${first.email}, ${second.email}`)

  const parts = await connectAll(demos, first, sql, narrator)
  wrong.push(...(await keepInSync(parts, first, sql, narrator)))

  const views = { first: await readAsPerson(sql, first), second: await readAsPerson(sql, second) }
  if (views.second.files !== 0 || views.second.runs.length !== 0 || views.second.tokens.length !== 0) {
    wrong.push(`${second.email} sees rows of ${first.email}.`)
  }
  const truth = (await Promise.all(demos.map(providerFiles))).flat().length
  // Further endpoints, which somebody has tried since the first start, have files of their own.
  const seen = await countFiles(
    first,
    parts.map(({ endpointId }) => endpointId),
  )
  if (seen !== truth) wrong.push(`${first.email} sees ${seen} files; the provider has ${truth}.`)
  if (!views.first.tokens.some((token) => token.token_status === 'Valid')) wrong.push('The token is not valid.')
  return { ...views, wrong }
}

/** One provider's part: its endpoint, and what will be changed in it. */
interface Part {
  demo: SandboxDemo
  name: string
  endpointId: string
  changeFiles: () => Promise<void>
}

async function connectAll(demos: readonly SandboxDemo[], person: Person, sql: Sql, narrator: Narrator): Promise<Part[]> {
  const parts: Part[] = []
  for (const [index, demo] of demos.entries()) {
    const { name } = findProvider(demo.provider)
    narrator.step(`Connecting ${name}`)
    await connectProvider(person, demo.provider)
    const changeFiles = await demo.prepareChanges()
    const endpointId = await createEndpoint(sql, person, {
      number: index + 1,
      endpointType: demo.endpointType,
      config: await demo.config(),
    })
    parts.push({ demo, name, endpointId, changeFiles })
    narrator.done('consented; the token is stored, encrypted')
  }
  return parts
}

/** Syncs everything side by side, changes something and syncs that. Tells every figure that is not as it must be. */
async function keepInSync(parts: readonly Part[], person: Person, sql: Sql, narrator: Narrator): Promise<string[]> {
  const wrong: string[] = []
  narrator.step('Syncing every file')
  const read = await syncAll(parts, person, narrator)
  for (const part of parts) wrong.push(...(await wrongFiles(part, person, sql, narrator)))
  narrator.done(read.map(({ name, fetched, runs }) => `${name}: ${fetched.toLocaleString('en')} in ${runs} runs`).join('; '))

  for (const part of parts) wrong.push(...(await syncChanges(part, person, sql, narrator)))
  return wrong
}

/** How the rows differ from the provider's files after the first sync. */
async function wrongFiles(part: Part, person: Person, sql: Sql, narrator: Narrator): Promise<string[]> {
  const found = await differences(sql, part, 'after the first sync')
  if (found.length === 0 || part.demo.expectedChanges.pass !== null) return found
  // What an interrupted start had listed is not listed again in the same pass: what changed since then is found in the next one.
  await syncAll([part], person, narrator)
  return differences(sql, part, 'after the first sync')
}

async function syncChanges(part: Part, person: Person, sql: Sql, narrator: Narrator): Promise<string[]> {
  const { demo, name, changeFiles } = part
  narrator.step(`Changing some files: ${name}`)
  // Before: a webhook may be faster than whoever changes the files.
  const since = new Date().toISOString()
  await changeFiles()
  // Where a sync would list everything, it is left to webhooks, and is the safety net.
  const told = demo.expectedChanges.pass === null && (await comesByWebhook(sql, part))
  if (!told) await syncAll([part], person, narrator)
  const wrong = await differences(sql, part, 'after the changes')
  const changes = await readChanges(sql, part, since)
  const { inserted, updated, deleted, runs, requests } = changes
  const how = told ? 'webhooks told of it' : 'a sync found it'
  narrator.done(
    `${inserted} added, ${updated} renamed or moved, ${deleted} deleted or trashed; ${how}, runs: ${runs}, requests each: ${requests}`,
  )
  return [...wrong, ...wrongChanges(part, changes)]
}

/** Waits until what webhooks have named is in Postgres; false when it does not come. */
async function comesByWebhook(sql: Sql, { demo, endpointId }: Part): Promise<boolean> {
  const until = Date.now() + webhookMs
  while ((await compareWithProvider(sql, demo, endpointId)).length > 0) {
    if (Date.now() > until) return false
    await sleep(500)
  }
  return true
}

/** Syncs them side by side, and tells how far all of them are. */
async function syncAll(
  parts: readonly Part[],
  person: Person,
  narrator: Narrator,
): Promise<{ name: string; fetched: number; runs: number }[]> {
  const progress = parts.map(() => ({ fraction: 0, text: '' }))
  return Promise.all(
    parts.map(async (part, index) => {
      const state = await sync(part, person, (fraction, text) => {
        progress[index] = { fraction, text: parts.length === 1 ? text : `${part.name} ${text}` }
        const sum = progress.reduce((total, each) => total + each.fraction, 0)
        narrator.progress(sum / parts.length, progress.map((each) => each.text).join(', '))
      })
      return { name: part.name, ...state }
    }),
  )
}

/** Asks for a sync, as a button in the app would, and waits until the scheduler and the worker have brought it to an end. */
async function sync(
  { demo, name, endpointId }: Part,
  person: Person,
  report: (fraction: number, text: string) => void,
): Promise<{ fetched: number; runs: number }> {
  const since = new Date().toISOString()
  const total = (await providerFiles(demo)).length
  await createPatchbay(person.supabase).syncEndpoint(endpointId)

  let movedAt = Date.now()
  let before = ''
  for (;;) {
    const state = await readSyncState(person, endpointId, since)
    if (state.error !== null) throw new Error(`The sync of ${name} failed: ${state.error}`)
    if (state.finished) return { fetched: state.fetched, runs: state.runs }
    const text =
      state.runs === 0 ? 'waiting for the scheduler, which looks every 10 s' : `${state.fetched.toLocaleString('en')} files`
    report(Math.min(1, state.fetched / total), text)
    if (text !== before) movedAt = Date.now()
    before = text
    if (Date.now() - movedAt > stalledMs) {
      throw new Error(`The sync of ${name} has not moved for ${stalledMs / 1000} s. The functions' logs are in .local/logs.`)
    }
    await sleep(200)
  }
}

async function differences(sql: Sql, { demo, name, endpointId }: Part, when: string): Promise<string[]> {
  const found = await compareWithProvider(sql, demo, endpointId)
  const more = found.length > 5 ? [`${name}, ${when}: and ${found.length - 5} more`] : []
  return [...found.slice(0, 5).map((difference) => `${name}, ${when}: ${difference}`), ...more]
}

interface Changes {
  pass: string
  /** The most of any run. */
  requests: number
  runs: number
  inserted: number
  updated: number
  deleted: number
}

/** What the run log says of the runs since then. */
async function readChanges(sql: Sql, { endpointId }: Part, since: string): Promise<Changes> {
  const [row] = await sql<Changes[]>`
    select coalesce(string_agg(distinct pass, ', '), 'none') as pass, coalesce(max(requests), 0)::int as requests, count(*)::int as runs,
      coalesce(sum(inserted), 0)::int as inserted, coalesce(sum(updated), 0)::int as updated, coalesce(sum(deleted), 0)::int as deleted
    from public.sync_logs
    where endpoint_id = ${endpointId}::uuid and started_at >= ${since}::text::timestamptz`
  if (!row) throw new Error('The run log cannot be read.')
  return row
}

/** The runs must have read what the demo expects, with as many requests, and have done just what was done to its files. */
function wrongChanges({ demo, name }: Part, changes: Changes): string[] {
  const { pass, requests, ...counts } = demo.expectedChanges
  const expected = { ...(pass !== null && { pass }), ...(requests !== null && { requests }), ...counts }
  return Object.entries(expected).flatMap(([figure, value]) => {
    const found = changes[figure as keyof Changes]
    return found === value ? [] : [`${name}: what was read after the changes has ${figure} ${found}, not ${value}.`]
  })
}
