import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { dispatch } from '../../src/shared/db/sync-store.ts'
import { until } from '../support/until.ts'
import { spawnWorker, type SpawnedWorker } from '../support/worker-process.ts'
import { changeSomething, differences, openChaosStage, runEvents, runsTwiceAtOnce, type ChaosStage } from './chaos-stage.ts'

const endpoints = 200
const workers = 5
/** A minute's, where a worker is ready to be killed whenever it is time to. */
const kills = 30
const killEveryMs = 2_000

it(
  'promise 2: nothing lost, nothing invented, with a worker of five killed every 2 s and changes at the providers meanwhile',
  { timeout: 600_000 },
  async () => {
    await using stage = await openChaosStage(endpoints)
    await using crew = new Crew(stage)
    const chaos = new AbortController()
    const lively = [repeat(500, chaos.signal, () => dispatch(stage.sql)), repeat(25, chaos.signal, () => disturb(stage))]

    for (let kill = 0; kill < kills; kill += 1) {
      await sleep(killEveryMs)
      await crew.killOne()
      expect(await activeTwice(stage)).toEqual([])
    }
    chaos.abort()
    await Promise.all(lively)

    // Nothing changes any more: each endpoint is read once again, by workers that may live.
    const [calm] = await stage.sql<[{ at: Date }]>`select clock_timestamp() as at`
    await until(async () => {
      await askForUnread(stage, calm.at)
      await dispatch(stage.sql)
      await sleep(250)
      return (await unread(stage, calm.at)).length === 0
    })
    expect(await crew.stop()).toEqual([0, 0, 0, 0, 0])

    const found = await Promise.all(stage.trees.map((tree) => differences(stage.sql, stage.sandbox, tree)))
    expect(found.flat()).toEqual([])
    expect(await stage.sql`select id from public.sync_logs where status = 'running'`).toEqual([])
    expect(await stage.sql`select endpoint_id from patchbay.sync_state where run_id is not null`).toEqual([])
    const events = await runEvents(stage.sql)
    expect(runsTwiceAtOnce(events, crew.killedAt)).toEqual([])
    expect(new Set(events.map(({ endpoint_id }) => endpoint_id)).size).toBe(endpoints)
    // The chaos was one: runs lost their worker, and were taken over.
    expect(crew.killedAt.size).toBe(kills)
    expect(takenOver(events)).toBeGreaterThan(10)
  },
)

/** Five workers, one of which may be killed at any time: another takes its place. */
class Crew implements AsyncDisposable {
  readonly killedAt = new Map<string, number>()
  readonly #stage: ChaosStage
  readonly #workers = new Map<string, SpawnedWorker>()
  readonly #ready = new Set<string>()
  #hired = 0

  constructor(stage: ChaosStage) {
    this.#stage = stage
    for (let number = 0; number < workers; number += 1) this.#hire()
  }

  /** One that is at work; waits until there is one. */
  async killOne(): Promise<void> {
    await until(async () => this.#ready.size > 0)
    const names = [...this.#ready]
    const name = names[randomInt(names.length)]!
    this.killedAt.set(name, Date.now())
    this.#workers.get(name)!.child.kill('SIGKILL')
    this.#workers.delete(name)
    this.#ready.delete(name)
    this.#hire()
  }

  /** Tells all to stop; gives how they ended. */
  async stop(): Promise<(number | null)[]> {
    const ending = [...this.#workers.values()]
    await Promise.all(ending.map(({ ready }) => ready))
    for (const { child } of ending) child.kill('SIGTERM')
    return Promise.all(ending.map(async ({ exited }) => (await exited).code))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers.values()) await worker[Symbol.asyncDispose]()
  }

  #hire(): void {
    this.#hired += 1
    const name = `worker-${this.#hired}`
    const worker = spawnWorker(this.#stage.env(name))
    this.#workers.set(name, worker)
    worker.ready.then(() => this.#ready.add(name)).catch(() => {})
  }
}

/** Something changes at a provider; and its endpoint is due, as if its owner had asked. */
async function disturb({ sql, sandbox, trees }: ChaosStage): Promise<void> {
  const { endpointId } = await changeSomething(sandbox, trees)
  await sql`update public.endpoints set next_sync_at = now() where id = ${endpointId}::uuid`
}

async function repeat(pauseMs: number, signal: AbortSignal, work: () => Promise<unknown>): Promise<void> {
  while (!signal.aborted) {
    await work()
    await sleep(pauseMs)
  }
}

/** Endpoints with more than one job at work. */
function activeTwice({ sql }: ChaosStage): Promise<readonly unknown[]> {
  return sql`
    select data ->> 'endpoint_id' as endpoint from pgboss.job where name = 'sync' and state = 'active'
    group by 1 having count(*) > 1`
}

/** Endpoints that have had no whole run since. */
async function unread({ sql }: ChaosStage, since: Date): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select e.id from public.endpoints e
    where not exists (
      select from public.sync_logs l
      where l.endpoint_id = e.id and l.status = 'completed' and l.started_at > ${since.toISOString()}::timestamptz
    )`
  return rows.map(({ id }) => id)
}

/** As their owners do, until they see it: a run that goes on from where a dead worker was answers what was asked before it. */
async function askForUnread(stage: ChaosStage, since: Date): Promise<void> {
  const ids = `{${(await unread(stage, since)).join(',')}}`
  await stage.sql`
    update public.endpoints e set next_sync_at = now()
    where id = any (${ids}::uuid[]) and next_sync_at > now() and not exists (
      select from pgboss.job where name = 'sync' and singleton_key = e.id::text and state <= 'active'
    )`
}

/** How many runs were claimed again before they had ended. */
function takenOver(events: Awaited<ReturnType<typeof runEvents>>): number {
  const open = new Set<string>()
  let count = 0
  for (const { endpoint_id, event } of events) {
    if (event === 'claim' && open.has(endpoint_id)) count += 1
    if (event === 'finish') open.delete(endpoint_id)
    else open.add(endpoint_id)
  }
  return count
}
