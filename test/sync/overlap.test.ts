import { once } from 'node:events'
import { createServer, connect as connectTcp } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import { connect } from '../../src/shared/db/connection.ts'
import { runSync } from '../../src/shared/sync/run-sync.ts'
import { until } from '../support/until.ts'
import { startConnectedDrive, type ConnectedDrive } from '../support/connected-drive.ts'

const budget = { deadline: Number.POSITIVE_INFINITY, pages: 1000 }

it('requests the next page while Postgres merges the one before', async () => {
  await using drive = await driveWithPages(3)
  const other = connect(drive.databaseUrl, 1)
  let running: Promise<string> | undefined
  await other.begin(async (transaction) => {
    // Every merge has to read this table.
    await transaction`lock table patchbay.folders in access exclusive mode`
    running = runSync(drive.runtime, drive.endpointId, budget)
    await until(async () => (await listRequests(drive)) === 2)
  })
  expect(await running).toBe('completed')
  await other.end()
})

it('requests no page before Postgres has the one before, so that a killed worker repeats one page at most', async () => {
  await using drive = await driveWithPages(3)
  await using proxy = await startProxy(new URL(drive.databaseUrl))
  const sql = connect(proxy.url, 1)
  // From the provider's first list on, nothing reaches Postgres.
  const holdAfterList: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    if (response.url.includes('/drive/v3/files?')) proxy.hold()
    return response
  }
  const running = runSync({ ...drive.runtime, sql, fetch: holdAfterList }, drive.endpointId, budget)
  await until(async () => proxy.heldBytes() > 0)
  // Time enough for a request that nothing holds back.
  await sleep(300)
  expect(await listRequests(drive)).toBe(1)
  proxy.release()
  expect(await running).toBe('completed')
  await sql.end()
})

async function driveWithPages(pages: number): Promise<ConnectedDrive> {
  const drive = await startConnectedDrive()
  const sandbox = sandboxClient(drive.sandboxUrl)
  await googleSandbox(drive.sandboxUrl).createFiles({ count: pages * 20, prefix: 'file ' })
  await sandbox.addFault({ match: { path: '/drive/v3/files' }, fault: { type: 'short-page', items: 20 }, times: 'always' })
  await sandbox.clearRequests()
  return drive
}

async function listRequests(drive: ConnectedDrive): Promise<number> {
  const requests = await sandboxClient(drive.sandboxUrl).requests()
  return requests.filter((request) => request.path === '/drive/v3/files').length
}

interface Proxy extends AsyncDisposable {
  url: string
  /** Keeps what the client sends from now on, until the release. */
  hold: () => void
  heldBytes: () => number
  /** Passes everything on again, for good. */
  release: () => void
}

/** A TCP proxy before Postgres. */
async function startProxy(database: URL): Promise<Proxy> {
  let holding = false
  let released = false
  const held: { send: () => void; bytes: number }[] = []
  const server = createServer((client) => {
    const upstream = connectTcp(Number(database.port), database.hostname)
    upstream.pipe(client)
    client.on('data', (data) => {
      if (holding) held.push({ send: () => upstream.write(data), bytes: data.length })
      else upstream.write(data)
    })
    client.on('close', () => upstream.destroy())
    client.on('error', () => {})
    upstream.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const url = new URL(database)
  url.port = String(typeof address === 'object' ? address?.port : address)
  return {
    url: url.href,
    hold: () => {
      holding = !released
    },
    heldBytes: () => held.reduce((sum, one) => sum + one.bytes, 0),
    release: () => {
      released = true
      holding = false
      for (const one of held.splice(0)) one.send()
    },
    [Symbol.asyncDispose]: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}
