import { join } from 'node:path'
import { createClient, type SupabaseClient } from '@supabase/supabase-js'
import type { Sql } from 'postgres'
import { startGateway } from '../../src/local/gateway.ts'
import { ownProjectDir, startServices } from '../../src/local/services.ts'
import { alternate } from '../support/alternate.ts'
import type { Measure } from '../support/bench.ts'
import { comparison } from '../support/figures.ts'
import { listAgain, syncRate } from '../support/synced-drive.ts'

const batch = 1000

/** What an Edge Function usually does: upserts through supabase-js, against a whole sync of ours. */
export const supabaseJsUpserts: Measure = {
  name: 'supabase-js-upserts',
  async run(bench) {
    const { sizes, dir } = bench
    const synced = await bench.syncedDrive()
    const rows = await synced.database.query((sql) => readRows(sql, sizes.theirRows))

    await using database = await synced.drive.createDatabase()
    // The platform's scheduler would sync it.
    await database.query((sql) => sql`update public.endpoints set enabled = false`)
    await using platform = await startServices(await startGateway(0), database.url, {
      projectDir: ownProjectDir,
      dataDir: join(dir, 'platform'),
    })
    const supabase = createClient(platform.url, platform.keys.secretKey, {
      auth: { persistSession: false, autoRefreshToken: false },
    })
    const empty = () => database.query((sql) => sql`truncate public.files`)
    const first = await alternate(bench, 'A first sync against upserts through supabase-js', {
      ours: () => syncRate(synced),
      theirs: async () => {
        await empty()
        return upsertRate(supabase, rows)
      },
    })
    const again = await alternate(bench, 'An unchanged full listing against the same upserts again', {
      ours: async () => (await listAgain(synced)).rate,
      theirs: async () => {
        await empty()
        await upsertRate(supabase, rows)
        return upsertRate(supabase, rows)
      },
    })

    const files = `${synced.rows.toLocaleString('en')} files`
    const upserts = `supabase-js upserts of ${batch} rows through the local REST API (Supabase Lite, not PostgREST), ${rows.length.toLocaleString('en')} of the same rows`
    const target = { atLeast: 5 }
    return [
      comparison(
        {
          measure: 'supabase-js-upserts',
          about: `end-to-end first sync of ${files}, against ${upserts}, already fetched`,
          unit: 'rows/s',
          target,
        },
        first,
      ),
      comparison(
        {
          measure: 'supabase-js-upserts: again',
          about: `full listing of ${files} that are all known, against ${upserts}, all of them there already`,
          unit: 'rows/s',
          target,
        },
        again,
      ),
    ]
  },
}

async function readRows(sql: Sql, limit: number): Promise<object[]> {
  const rows = await sql<{ row: object }[]>`
    select to_jsonb(f) - array['id', 'created_at', 'updated_at'] as row from public.files f limit ${limit}`
  return rows.map(({ row }) => row)
}

async function upsertRate(supabase: SupabaseClient, rows: readonly object[]): Promise<number> {
  const begun = performance.now()
  for (let start = 0; start < rows.length; start += batch) {
    const some = rows.slice(start, start + batch)
    const { error } = await supabase.from('files').upsert(some, { onConflict: 'endpoint_id,external_file_id' })
    if (error) throw new Error(`An upsert through supabase-js failed: ${error.message}`)
  }
  const seconds = (performance.now() - begun) / 1000
  const { count, error } = await supabase.from('files').select('*', { count: 'exact', head: true })
  if (error || count !== rows.length) throw new Error(`supabase-js wrote ${count} rows of ${rows.length}.`)
  return rows.length / seconds
}
