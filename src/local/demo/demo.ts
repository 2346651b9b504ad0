import { setTimeout as sleep } from 'node:timers/promises'
import type { Sql } from 'postgres'
import { openSql } from '../connection.ts'
import type { SandboxDemo } from '../../sandbox/demo.ts'
import { findDemos } from '../../sandbox/find-demos.ts'
import { findProvider } from '../../shared/providers/registry.ts'
import type { Platform } from '../services.ts'
import { compareWithProvider, providerFiles } from './compare.ts'
import { connectProvider } from './connect.ts'
import { createEndpoint, readSyncState } from './endpoint.ts'
import { firstEmail, type Person, signIn } from './people.ts'
import { type PersonView, readAsPerson } from './report.ts'

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

  for (const demo of demos) wrong.push(...(await keepInSync(demo, first, sql, narrator)))

  const views = { first: await readAsPerson(sql, first), second: await readAsPerson(sql, second) }
  if (views.second.files !== 0 || views.second.runs.length !== 0 || views.second.tokens.length !== 0) {
    wrong.push(`${second.email} sees rows of ${first.email}.`)
  }
  const truth = (await Promise.all(demos.map(providerFiles))).flat().length
  if (views.first.files !== truth) wrong.push(`${first.email} sees ${views.first.files} files; the provider has ${truth}.`)
  if (!views.first.tokens.some((token) => token.token_status === 'Valid')) wrong.push('The token is not valid.')
  return { ...views, wrong }
}

/** Connects, syncs everything, changes something and syncs that. Tells every figure that is not as it must be. */
async function keepInSync(demo: SandboxDemo, person: Person, sql: Sql, narrator: Narrator): Promise<string[]> {
  const wrong: string[] = []
  narrator.step(`Connecting ${findProvider(demo.provider).name}`)
  await connectProvider(person, demo.provider)
  narrator.done('consented; the token is stored, encrypted')

  const changeFiles = await demo.prepareChanges()
  narrator.step('Syncing every file')
  const endpointId = await createEndpoint(sql, person, demo.endpointType)
  const firstSync = await sync(demo, person, endpointId, narrator)
  wrong.push(...(await differences(sql, demo, endpointId, 'After the first sync')))
  narrator.done(`${firstSync.fetched.toLocaleString('en')} files read in ${firstSync.runs} runs`)

  narrator.step('Changing some files')
  await changeFiles()
  const changedAt = new Date().toISOString()
  await sync(demo, person, endpointId, narrator)
  wrong.push(
    ...(await differences(sql, demo, endpointId, 'After the changes')),
    ...(await wrongChanges(sql, demo, endpointId, changedAt)),
  )
  const { inserted, updated, deleted } = demo.expectedChanges
  narrator.done(`${inserted} added, ${updated} renamed or moved, ${deleted} deleted or trashed, with one request`)
  return wrong
}

/** Asks for a sync, as a button in the app would, and waits until the scheduler and the worker have brought it to an end. */
async function sync(
  demo: SandboxDemo,
  person: Person,
  endpointId: string,
  narrator: Narrator,
): Promise<{ fetched: number; runs: number }> {
  const since = new Date().toISOString()
  const total = (await providerFiles(demo)).length
  const wish = await person.supabase.from('endpoints').update({ next_sync_at: since }).eq('id', endpointId)
  if (wish.error) throw new Error(`The sync cannot be asked for: ${wish.error.message}`)

  let movedAt = Date.now()
  let before = ''
  for (;;) {
    const state = await readSyncState(person, endpointId, since)
    if (state.error !== null) throw new Error(`The sync failed: ${state.error}`)
    if (state.finished) return state
    const text =
      state.runs === 0 ? 'waiting for the scheduler, which looks every 10 s' : `${state.fetched.toLocaleString('en')} files`
    narrator.progress(Math.min(1, state.fetched / total), text)
    if (text !== before) movedAt = Date.now()
    before = text
    if (Date.now() - movedAt > stalledMs) {
      throw new Error(`The sync has not moved for ${stalledMs / 1000} s. The functions' logs are in .local/logs.`)
    }
    await sleep(200)
  }
}

async function differences(sql: Sql, demo: SandboxDemo, endpointId: string, when: string): Promise<string[]> {
  const found = await compareWithProvider(sql, demo, endpointId)
  const more = found.length > 5 ? [`${when}: and ${found.length - 5} more`] : []
  return [...found.slice(0, 5).map((difference) => `${when}: ${difference}`), ...more]
}

/** The runs since then must have read the change feed, with one request, and have done just what was done to the scratch folder. */
async function wrongChanges(sql: Sql, demo: SandboxDemo, endpointId: string, since: string): Promise<string[]> {
  const [run] = await sql<Record<string, string>[]>`
    select string_agg(distinct pass, ', ') as pass, sum(requests)::int as requests, sum(inserted)::int as inserted,
      sum(updated)::int as updated, sum(deleted)::int as deleted
    from public.sync_logs
    where endpoint_id = ${endpointId}::uuid and started_at >= ${since}::text::timestamptz`
  const expected = { pass: 'changes', requests: 1, ...demo.expectedChanges }
  return Object.entries(expected).flatMap(([name, value]) =>
    run?.[name] === value ? [] : [`The sync after the changes has ${name} ${run?.[name]}, not ${value}.`],
  )
}
