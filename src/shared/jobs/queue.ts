import { type Db, PgBoss } from 'pg-boss'
import type { Sql } from 'postgres'
import { connect } from '../db/connection.ts'

/** The queues, as the migrations made them, and what their jobs carry. */
export interface JobData {
  sync: { endpoint_id: string; targets_only?: true }
  'refresh-token': { integration_id: string }
  'revoke-token': { revocation_id: string }
  'process-webhooks': { endpoint_id: string }
  'stop-webhook': { webhook_id: string }
  'watch-endpoint': { endpoint_id: string }
}

export type QueueName = keyof JobData

/** Jobs that others wait for, or that take a moment only. */
export const quickQueueNames = ['refresh-token', 'revoke-token', 'process-webhooks'] as const satisfies readonly QueueName[]

export const slowQueueNames = ['sync', 'stop-webhook', 'watch-endpoint'] as const satisfies readonly QueueName[]

export const queueNames = [...quickQueueNames, ...slowQueueNames] as const satisfies readonly QueueName[]

export interface Job<Name extends QueueName = QueueName> {
  id: string
  name: Name
  data: JobData[Name]
  /** Whose turn it uses up: the user, of a sync that waited in turn. */
  group: string | null
  /** Which attempt this is; a later one fences this one out. */
  retryCount: number
}

/** A job queue on the project's own Postgres. Nothing runs in the background: whoever drains it also supervises it. */
export interface JobQueue {
  /** Leaves out the jobs of `ignoredGroups`. */
  fetch: <Name extends QueueName>(name: Name, limit: number, ignoredGroups?: string[]) => Promise<Job<Name>[]>
  complete: (job: Job) => Promise<void>
  /** The job is tried again, as its queue says. */
  fail: (job: Job, reason: { code: string }) => Promise<void>
  /** Says that the worker of these jobs is alive. Must come well within the queue's `heartbeat_seconds`. */
  touch: (jobs: readonly Job[]) => Promise<void>
  /** Takes jobs back from dead workers and forgets old ones. */
  supervise: () => Promise<void>
  /** Ends its connection. */
  close: () => Promise<void>
}

/** Opens the queue on a connection of its own: pg-boss sends whole transactions as text, which must not meet anyone else's. */
export function createJobQueue(databaseUrl: string): JobQueue {
  const sql = connect(databaseUrl, 1)
  // Never started: no timers, no listener, no migration; each call is one statement or two.
  const boss = new PgBoss({ db: bossDatabase(sql), schema: 'pgboss', migrate: false, monitorIntervalSeconds: 10 })
  return {
    fetch: async (name, limit, ignoreGroups = []) => {
      const jobs = await boss.fetch<JobData[typeof name]>(name, { batchSize: limit, includeMetadata: true, ignoreGroups })
      return jobs.map((job) => ({ id: job.id, name, data: job.data, group: job.groupId ?? null, retryCount: job.retryCount }))
    },
    complete: async (job) => void (await boss.complete(job.name, attempt(job))),
    fail: async (job, reason) => void (await boss.fail(job.name, attempt(job), reason)),
    touch: async (jobs) => {
      for (const name of queueNames) {
        const own = jobs.filter((job) => job.name === name)
        if (own.length > 0) await boss.touch(name, own.map(attempt))
      }
    },
    supervise: async () => {
      for (const name of queueNames) await boss.supervise(name)
    },
    close: () => sql.end({ timeout: 5 }),
  }
}

function attempt(job: Job): { id: string; retryCount: number } {
  return { id: job.id, retryCount: job.retryCount }
}

/** pg-boss on postgres.js: it wants the rows of all statements of a text, and arrays as Postgres literals. */
function bossDatabase(sql: Sql): Db {
  return {
    executeSql: async (text, values: unknown[] = []) => {
      const result: readonly unknown[] = await sql.unsafe(text, values.map(toParameter))
      return { rows: isMultiple(result) ? result.flat() : [...result] }
    },
  }
}

type Parameter = string | number | boolean | Date | null

function toParameter(value: unknown): Parameter {
  if (value === null || value === undefined) return null
  if (Array.isArray(value)) return arrayLiteral(value)
  if (value instanceof Date || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return JSON.stringify(value)
}

/** postgres.js gives an array of results for several statements, and a result, which is an array of rows, for one. */
function isMultiple(result: readonly unknown[]): result is readonly unknown[][] {
  return Array.isArray(result[0]) && 'command' in result[0]
}

function arrayLiteral(items: readonly unknown[]): string {
  const literals = items.map((item) => {
    if (Array.isArray(item)) return arrayLiteral(item)
    const parameter = toParameter(item)
    if (parameter === null) return 'NULL'
    const text = parameter instanceof Date ? parameter.toISOString() : String(parameter)
    return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  })
  return `{${literals.join(',')}}`
}
