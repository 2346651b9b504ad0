import { expect, it } from 'vitest'
import type { Sql } from 'postgres'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import { runSync } from '../../src/shared/sync/run-sync.ts'
import { startConnectedDrive } from '../support/connected-drive.ts'

it('promise 6: tokens are ciphertext to the database: no row of any table holds one in clear', async () => {
  const seen: string[] = []
  await using drive = await startConnectedDrive()
  const runtime = { ...drive.runtime, fetch: recordTokens(seen) }
  await googleSandbox(drive.sandboxUrl).createFile({ name: 'a.txt' })
  await sandboxClient(drive.sandboxUrl).control('google-drive').expireAccessTokens()
  expect(await runSync(runtime, drive.endpointId, { deadline: Number.POSITIVE_INFINITY, pages: 10 })).toBe('completed')

  // The token that was refused, the one that replaced it, and the refresh token.
  expect(new Set(seen.map((token) => token.slice(0, 5)))).toEqual(new Set(['ya29.', '1//0g']))
  const dump = await dumpDatabase(drive.sql)
  expect(dump).toContain('a.txt')
  expect([...seen, 'ya29.', 'sandbox-secret'].filter((token) => dump.includes(token))).toEqual([])
})

/** Keeps each token that goes to the provider. */
function recordTokens(seen: string[]): typeof fetch {
  return async (input, init) => {
    const headers = new Headers(init?.headers)
    const bearer = headers.get('authorization')?.replace('Bearer ', '')
    const refresh = init?.body instanceof URLSearchParams ? init.body.get('refresh_token') : null
    for (const token of [bearer, refresh]) if (token) seen.push(token)
    return fetch(input, init)
  }
}

/** Every row of every table, as text. */
async function dumpDatabase(sql: Sql): Promise<string> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'patchbay', 'pgboss', 'net')`
  const rows: string[] = []
  for (const { name } of tables) {
    const found = await sql.unsafe<{ row: string }[]>(`select t::text as row from ${name} t`)
    rows.push(...found.map(({ row }) => row))
  }
  return rows.join('\n')
}
