import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { expect, it } from 'vitest'
import { startPostgres, type PostgresServer } from '../../src/local/postgres.ts'
import { scratchDir } from './scratch.ts'

const start = (path: string) => startPostgres({ dir: join(path, 'postgres'), port: 0, durable: false })

async function query(server: PostgresServer, text: string) {
  const sql = postgres(server.url('supabase_admin', 'postgres'), { max: 1 })
  try {
    return await sql.unsafe(text)
  } finally {
    await sql.end()
  }
}

it('keeps the data, and starts again when the pid file names a process of somebody else', async () => {
  await using dir = await scratchDir()
  const first = await start(dir.path)
  await query(first, 'create table kept (id int)')
  await first.stop()
  await writeFile(join(dir.path, 'postgres/postmaster.pid'), `${process.pid}\n${dir.path}\n0\n${first.port}\n`)

  const second = await start(dir.path)
  expect(await query(second, 'select * from kept')).toHaveLength(0)
  await second.stop()
})

it('begins again when initdb was interrupted', async () => {
  await using dir = await scratchDir()
  await (await start(dir.path)).stop()
  await rm(join(dir.path, 'postgres/patchbay.complete'))
  await rm(join(dir.path, 'postgres/global'), { recursive: true })

  const server = await start(dir.path)
  expect(await query(server, 'select 1')).toHaveLength(1)
  await server.stop()
})

it('refuses a data directory that another run works with', async () => {
  await using dir = await scratchDir()
  const owner = await start(dir.path)
  await expect(start(dir.path)).rejects.toThrow('is in use by another run of Patchbay')
  await owner.stop()
})
