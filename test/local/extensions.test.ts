import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Sql } from 'postgres'
import { expect, it, vi } from 'vitest'
import { startExtensions } from '../../src/local/extensions.ts'
import { createTestDatabase } from '../support/database.ts'

async function database() {
  await using started = new AsyncDisposableStack()
  const test = started.use(await createTestDatabase())
  const extensions = await startExtensions(test.urlFor('supabase_admin'))
  started.defer(() => extensions.stop())
  const running = started.move()
  return { sql: test.sql, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

async function receiver() {
  const seen: { url: string | undefined; body: string; token: string | undefined }[] = []
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join('')
    seen.push({ url: request.url, body, token: request.headers.authorization })
    if (request.url !== '/never') response.end('{"ok":true}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, seen, [Symbol.dispose]: () => server.close().closeAllConnections() }
}

const runsOf = (sql: Sql, job: string) => sql`
  select d.status, d.return_message from cron.job_run_details d join cron.job using (jobid)
  where jobname = ${job} and d.end_time is not null`

it('runs due jobs as their owner, and notes what they did', async () => {
  await using db = await database()
  await db.sql`create table public.ticks (by text, at timestamptz)`
  await db.sql`select cron.schedule('tick', '1 seconds', 'insert into public.ticks values (current_user, now())')`
  await db.sql`select cron.schedule('broken', '1 second', 'select 1/0')`
  await vi.waitFor(async () => expect(await db.sql`select by from public.ticks`).toContainEqual({ by: 'postgres' }), 5000)
  await vi.waitFor(async () => {
    expect(await runsOf(db.sql, 'tick')).toContainEqual({ status: 'succeeded', return_message: 'INSERT 1' })
    expect(await runsOf(db.sql, 'broken')).toContainEqual({ status: 'failed', return_message: 'ERROR:  division by zero' })
  }, 5000)
  await db.sql`select cron.unschedule('tick')`
  await expect(db.sql`select cron.unschedule('tick')`).rejects.toThrow('could not find valid entry')
  await expect(db.sql`select cron.schedule('x', 'every day', 'select 1')`).rejects.toThrow('invalid schedule')
})

it('posts what is committed, and nothing that is rolled back', async () => {
  await using db = await database()
  using http = await receiver()
  await db.sql
    .begin(async (transaction) => {
      await transaction`select net.http_post(${`${http.url}/rolled-back`})`
      throw new Error('roll back')
    })
    .catch(() => {})
  const [row] = await db.sql`
    select net.http_post(
      ${`${http.url}/committed`}, '{"n": 1}', '{"q": "a b&ü"}', '{"Authorization": "Bearer secret"}'
    ) as id`
  await vi.waitFor(async () => {
    const responses = await db.sql`select status_code, content, timed_out from net._http_response where id = ${row?.['id']}`
    expect(responses).toEqual([{ status_code: 200, content: '{"ok":true}', timed_out: false }])
  }, 5000)
  expect(http.seen).toEqual([{ url: '/committed?q=a%20b%26%C3%BC', body: '{"n": 1}', token: 'Bearer secret' }])
})

it('gives up after the timeout and says so', async () => {
  await using db = await database()
  using http = await receiver()
  await db.sql`select net.http_post(${`${http.url}/never`}, timeout_milliseconds := 200)`
  await vi.waitFor(async () => {
    const responses = await db.sql`select timed_out, error_msg from net._http_response`
    expect(responses).toEqual([{ timed_out: true, error_msg: 'Timeout of 200 ms reached' }])
  }, 5000)
})

it('keeps the vault from the roles of the Data API', async () => {
  await using db = await database()
  await db.sql`select vault.create_secret('s3cret', 'name')`
  expect(await db.sql`select decrypted_secret from vault.decrypted_secrets`).toEqual([{ decrypted_secret: 's3cret' }])
  for (const role of ['anon', 'authenticated']) {
    const reading = db.sql.begin(async (transaction) => {
      await transaction.unsafe(`set local role ${role}`)
      await transaction`select * from vault.decrypted_secrets`
    })
    await expect(reading).rejects.toThrow('permission denied for schema vault')
  }
})
