import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect } from '../../src/shared/db/connection.ts'
import { dispatch } from '../../src/shared/db/sync-store.ts'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import { startConnectedDrive, type ConnectedDrive } from '../support/connected-drive.ts'
import { until } from '../support/until.ts'
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts'

describe('the service of a worker', () => {
  const open = new AsyncDisposableStack()
  let drive: ConnectedDrive
  let worker: WorkerProcess

  beforeAll(async () => {
    drive = open.use(await startConnectedDrive())
    await googleSandbox(drive.sandboxUrl).createFiles({ count: 30, prefix: 'file ' })
    worker = open.use(await startWorkerProcess({ ...drive.env, CONNECTOR_ENVIRONMENT: 'test', CONNECTOR_LOG_LEVEL: 'DEBUG' }))
    await dispatch(drive.sql)
    await until(async () => {
      const [row] = await drive.sql`select from public.endpoints where last_sync_status = 'completed'`
      return row !== undefined
    })
  })
  afterAll(() => open.disposeAsync())

  it('says at /health that it can work', async () => {
    const response = await fetch(`${worker.url}/health`)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: 'ok', database: 'ok', loop: 'ok' })
  })

  it('says at /status what goes on, and what it has done itself', async () => {
    const response = await fetch(`${worker.url}/status`)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      version: '0.1.0',
      environment: 'test',
      running_syncs: 0,
      queues: expect.arrayContaining([expect.objectContaining({ name: 'sync', waiting: 0, active: 0 })]),
      endpoints: { due: 0, failing: 0 },
      integrations: { connected: 1, error: 0, needs_reauth: 0 },
      worker: {
        id: expect.stringContaining(`:${worker.child.pid}`),
        uptime_seconds: expect.any(Number),
        counters: {
          'patchbay_runs_total completed': 1,
          'patchbay_jobs_total sync done': 1,
          'patchbay_files_total inserted': 30,
          'patchbay_provider_requests_total google-drive 2xx': expect.any(Number),
        },
      },
    })
  })

  it('gives Prometheus its counters, its histograms, and the depth of the queues', async () => {
    const response = await fetch(`${worker.url}/metrics`)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=/)
    const text = await response.text()
    for (const line of [
      'patchbay_runs_total{outcome="completed"} 1',
      'patchbay_files_total{change="inserted"} 30',
      'patchbay_jobs_total{queue="sync",outcome="done"} 1',
      'patchbay_run_seconds_count 1',
      'patchbay_job_seconds_count{queue="sync"} 1',
      'patchbay_queue_jobs{queue="sync",state="waiting"} 0',
      'patchbay_integrations{status="connected"} 1',
    ]) {
      expect(text.split('\n')).toContain(line)
    }
    expect(text).toMatch(/^patchbay_provider_request_seconds_count\{provider="google-drive"\} \d+$/m)
  })

  it('tells nobody of a user, an endpoint or a secret', async () => {
    const said = await Promise.all(
      ['health', 'status', 'metrics'].map(async (path) => (await fetch(`${worker.url}/${path}`)).text()),
    )
    const text = [...said, ...worker.lines.map((line) => JSON.stringify(line))].join('\n')
    for (const name of ['CONNECTOR_TOKEN_KEYS', 'CONNECTOR_WORKER_SECRET', 'SUPABASE_DB_URL', 'GOOGLE_CLIENT_SECRET']) {
      expect(text).not.toContain(drive.env[name])
    }
    for (const id of [drive.userId, drive.endpointId, drive.integrationId]) expect(said.join('\n')).not.toContain(id)
  })

  it('says in each line of its log who it is, and where it runs', () => {
    expect(worker.lines.length).toBeGreaterThan(0)
    for (const line of worker.lines) {
      expect(line).toMatchObject({ environment: 'test', worker: expect.stringContaining(`:${worker.child.pid}`) })
    }
  })

  it('names what there is to ask for', async () => {
    const response = await fetch(`${worker.url}/`)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: 'not_found', message: expect.stringContaining('/health') } })
  })
})

it('refuses at /health and /status, and still counts, while the database is away', async () => {
  await using drive = await startConnectedDrive()
  await using worker = await startWorkerProcess(drive.env)
  const { pathname } = new URL(drive.databaseUrl)
  await using renamed = await takeAway(drive, pathname.slice(1))
  const response = await fetch(`${worker.url}/health`)
  expect(response.status).toBe(503)
  expect(await response.json()).toEqual({ status: 'unavailable', database: 'unavailable', loop: 'ok' })
  expect((await fetch(`${worker.url}/status`)).status).toBeGreaterThanOrEqual(500)
  const metrics = await (await fetch(`${worker.url}/metrics`)).text()
  expect(metrics).toContain('process_cpu_seconds_total')
  expect(metrics).not.toContain('patchbay_queue_jobs{')
  await renamed.giveBack()
  await until(async () => (await fetch(`${worker.url}/health`)).ok)
})

it('says what it is with --help, and does not begin to work', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['src/worker/main.ts', '--help'], { env: {} })
  expect(stdout).toContain('Usage: npm run worker')
})

it('says which port is taken, and what to do', async () => {
  const other = createServer().listen(0)
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  await using drive = await startConnectedDrive()
  const failure: unknown = await promisify(execFile)(process.execPath, ['src/worker/main.ts'], {
    env: { ...drive.env, CONNECTOR_PORT: String(port) },
  }).catch((error: unknown) => error)
  other.close()

  expect(failure).toMatchObject({ code: 1, stderr: expect.stringMatching(new RegExp(`Port ${port} .*CONNECTOR_PORT`)) })
  expect(failure).toMatchObject({ stderr: expect.not.stringContaining('    at ') })
})

/** Nobody can connect to the database, and whoever is connected no longer is. */
async function takeAway(drive: ConnectedDrive, name: string): Promise<AsyncDisposable & { giveBack: () => Promise<void> }> {
  const url = new URL(drive.databaseUrl)
  url.username = 'supabase_admin'
  url.pathname = '/template1'
  const admin = connect(url.href, 1)
  const allow = async (allowed: boolean) => void (await admin.unsafe(`alter database ${name} allow_connections ${allowed}`))
  await allow(false)
  await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`
  return {
    giveBack: () => allow(true),
    [Symbol.asyncDispose]: async () => {
      await allow(true)
      await admin.end()
    },
  }
}
