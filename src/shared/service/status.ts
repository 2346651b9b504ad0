import { z } from 'zod'
import { PatchbayError } from '../errors.ts'
import type { Runtime } from '../runtime.ts'
import { version } from '../version.ts'

const count = z.number().int().nonnegative()
/** Seconds; null when there is none. */
const age = z.number().nonnegative().nullable()

/** What `patchbay.status()` gives: numbers only, nothing of any user. */
const Numbers = z.object({
  queues: z.array(
    z.object({
      name: z.string(),
      /** May be taken now. */
      waiting: count,
      /** To be taken later: a retry, say. */
      delayed: count,
      active: count,
      /** How long the oldest of those that wait has been waiting. */
      oldest_seconds: age,
    }),
  ),
  endpoints: z.object({
    /** Whose time has come and that no job has been made for. */
    due: count,
    due_oldest_seconds: age,
    /** Whose last run failed. */
    failing: count,
  }),
  /** By status; those that their owners ended are not counted. */
  integrations: z.object({ connected: count, error: count, needs_reauth: count }),
  /** The last tick of pg_cron; null where something else calls `patchbay.dispatch()`, or nothing does. */
  scheduler: z.object({ ticked_at: z.string().nullable(), seconds_ago: age, status: z.string().nullable() }).nullable(),
})

/** What goes on in the whole installation, whichever worker is asked. */
export type Status = { version: string; environment: string; running_syncs: number } & z.output<typeof Numbers>

/** Counts what is live, in one statement. Throws when the database does not answer. */
export async function status({ sql, config }: Pick<Runtime, 'sql' | 'config'>): Promise<Status> {
  const [row] = await sql<{ status: string }[]>`select patchbay.status()::text as status`
  if (!row) throw new PatchbayError('internal_error', 'patchbay.status returned no row.')
  const numbers = Numbers.parse(JSON.parse(row.status))
  const running = numbers.queues.find(({ name }) => name === 'sync')?.active ?? 0
  return { version, environment: config.environment, running_syncs: running, ...numbers }
}
