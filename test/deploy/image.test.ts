import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments, parse } from 'yaml'
import { dispatch } from '../../src/shared/db/sync-store.ts'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import { ownProjectDir } from '../../src/local/services.ts'
import { startConnectedDrive } from '../support/connected-drive.ts'
import { createTestDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'
import { startWorkerProcess } from '../support/worker-process.ts'
import { addEndpoint, addUser, connectAccount } from '../db/rows.ts'
import { readDockerfile, type Instruction } from './dockerfile.ts'

const run = promisify(execFile)
const read = (path: string) => readFile(join(ownProjectDir, path), 'utf8')

describe('the image of the worker, made as its Dockerfile says but without an engine', () => {
  const open = new AsyncDisposableStack()
  let stages: Instruction[][]
  let dir: string

  beforeAll(async () => {
    const root = await mkdtemp(join(tmpdir(), 'patchbay-image-'))
    open.defer(() => rm(root, { recursive: true, force: true }))
    stages = readDockerfile(await read('Dockerfile'))
    for (const [number, stage] of stages.entries()) await build(stage, root, String(number))
    dir = join(root, String(stages.length - 1), 'app')
  }, 120_000)
  afterAll(() => open.disposeAsync())

  it('works: a worker in it syncs, answers /health, and ends in order', async () => {
    await using drive = await startConnectedDrive()
    await googleSandbox(drive.sandboxUrl).createFiles({ count: 20, prefix: 'file ' })
    const [command, ...args] = exec(last('CMD'))
    expect(command).toBe('node')
    await using worker = await startWorkerProcess(drive.env, { cwd: dir, args })
    await dispatch(drive.sql)
    await until(async () => (await drive.sql`select from public.files`).length === 20)

    expect((await fetch(`${worker.url}/health`)).status).toBe(200)
    const check = exec(last('HEALTHCHECK').replace(/^.*?CMD /, ''))
    const port = new URL(worker.url).port
    await run(process.execPath, check.slice(1), { env: { CONNECTOR_PORT: port } })
    await expect(run(process.execPath, check.slice(1), { env: { CONNECTOR_PORT: '1' } })).rejects.toMatchObject({ code: 1 })

    worker.child.kill(last('STOPSIGNAL') as NodeJS.Signals)
    expect(await worker.exited).toEqual({ code: 0, signal: null })
  })

  it('has nothing but the worker, the code that it shares, and the packages that these need', async () => {
    expect((await readdir(dir)).toSorted()).toEqual(['LICENSE', 'node_modules', 'package.json', 'src'])
    expect((await readdir(join(dir, 'src'))).toSorted()).toEqual(['shared', 'worker'])
    const { devDependencies } = JSON.parse(await read('package.json')) as { devDependencies: Record<string, string> }
    const installed = await readdir(join(dir, 'node_modules'), { recursive: false })
    expect(Object.keys(devDependencies).filter((name) => installed.includes(name))).toEqual([])
  })

  it('is the pinned Node, runs as an account without rights, and holds no secret', async () => {
    for (const stage of stages) expect(stage[0]).toMatchObject({ name: 'FROM', text: expect.stringMatching(/^node:24-slim\b/) })
    expect(last('USER')).toBe('node')
    expect(JSON.stringify(stages)).not.toMatch(/\b(ARG|ADD)\b|SECRET|TOKEN|PASSWORD/)
  })

  it('gets from the folder only what the Dockerfile copies', async () => {
    const lines = (await read('.dockerignore')).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    const copied = stages.flat().flatMap(({ name, text }) => (name === 'COPY' && !text.startsWith('--from') ? sources(text) : []))

    expect(lines[0]).toBe('*')
    expect(lines.slice(1).toSorted()).toEqual([...new Set(copied)].map((path) => `!${path}`).toSorted())
  })

  function last(name: string): string {
    return stages.at(-1)!.findLast((instruction) => instruction.name === name)!.text
  }
})

describe('compose.yaml', () => {
  it('runs the image with what an operator has, and lets it write nothing', async () => {
    const { services } = parse(await read('compose.yaml')) as { services: Record<string, Record<string, unknown>> }
    const { worker } = services
    expect(worker).toMatchObject({
      build: '.',
      env_file: '.env',
      restart: 'unless-stopped',
      read_only: true,
      cap_drop: ['ALL'],
    })
    // The same as the image's, but that compose takes one $ of two.
    const { test } = worker!['healthcheck'] as { test: string[] }
    const [stage] = readDockerfile(await read('Dockerfile')).slice(-1)
    const check = stage!.find(({ name }) => name === 'HEALTHCHECK')!.text
    expect(test.slice(1).map((part) => part.replace('$$', '$'))).toEqual(exec(check.replace(/^.*?CMD /, '')))
  })
})

describe('deploy/kubernetes.yaml', () => {
  interface Manifest {
    kind: string
    metadata: { name: string; labels?: Record<string, string> }
    spec: Record<string, unknown>
  }
  const manifests = async () =>
    parseAllDocuments(await read('deploy/kubernetes.yaml')).map((document) => document.toJS() as Manifest)
  const find = async (kind: string) => (await manifests()).find((manifest) => manifest.kind === kind)!

  it('has a deployment that gives a worker time to stop, a service, and a scaler that means it', async () => {
    expect((await manifests()).map(({ kind }) => kind)).toEqual([
      'Deployment',
      'Service',
      'TriggerAuthentication',
      'ScaledObject',
    ])
    const deployment = await find('Deployment')
    const labels = { app: 'patchbay-worker' }
    expect(deployment.spec).toMatchObject({
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { securityContext: { runAsNonRoot: true } } },
    })
    const { template } = deployment.spec as { template: { spec: { terminationGracePeriodSeconds: number } } }
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(10)
    expect((await find('Service')).spec).toMatchObject({ selector: labels })
    expect((await find('ScaledObject')).spec).toMatchObject({ scaleTargetRef: { name: deployment.metadata.name } })
  })

  it('asks for paths and sets variables that exist', async () => {
    const text = await read('deploy/kubernetes.yaml')
    const service = await read('src/worker/service.ts')
    for (const [, path] of text.matchAll(/(?:path: |io\/path: )(\/\w+)/g)) expect(service).toContain(`'${path}'`)
    const config = await read('src/shared/config.ts')
    for (const [name] of text.matchAll(/\bCONNECTOR_[A-Z_]+/g)) expect(config).toContain(`'${name}'`)
  })

  it('scales on the syncs that wait or run, read by the index of live jobs', async () => {
    const { triggers } = (await find('ScaledObject')).spec as { triggers: { metadata: { query: string } }[] }
    const { query } = triggers[0]!.metadata
    await using database = await createTestDatabase()
    const { sql } = database
    const userId = await addUser(sql)
    const integrationId = await connectAccount(sql, userId)
    for (const name of ['a', 'b', 'c']) await addEndpoint(sql, userId, { name, integration_id: integrationId })
    await sql`
      insert into pgboss.job (name, policy, state, singleton_key, completed_on)
      select 'sync', 'exclusive', 'completed', number::text, now() from generate_series(1, 5000) as number`
    await sql`select patchbay.enqueue('sync', 'endpoint_id', array(select id from public.endpoints))`
    await sql`update pgboss.job set start_after = now() + interval '1 hour' where singleton_key = (select id::text from public.endpoints where name = 'c')`
    await sql`analyze pgboss.job`

    expect(Number((await sql.unsafe(query))[0]?.['count'])).toBe(2)
    const plan = JSON.stringify(await sql.unsafe(`explain (format json) ${query}`))
    expect(plan).toContain('Index')
    expect(plan).not.toContain('Seq Scan')
  })
})

/** Carries out a stage's instructions in a folder that is its root. */
async function build(stage: readonly Instruction[], root: string, name: string): Promise<void> {
  const at = join(root, name)
  let workdir = at
  for (const { name: instruction, text } of stage) {
    if (instruction === 'WORKDIR') workdir = join(at, text)
    if (instruction === 'COPY') await copy(text, root, workdir)
    if (instruction === 'RUN') await install(text, workdir)
  }
}

async function copy(text: string, root: string, workdir: string): Promise<void> {
  const from = /^--from=\w+ /.test(text) ? join(root, '0') : ownProjectDir
  const paths = sources(text)
  const target = text.split(' ').at(-1)!
  await mkdir(workdir, { recursive: true })
  for (const path of paths) {
    const into = target.endsWith('/') ? join(workdir, target, path) : join(workdir, target)
    await mkdir(dirname(into), { recursive: true })
    await cp(join(from, path), into, { recursive: true })
  }
}

function sources(text: string): string[] {
  return text
    .replace(/^--from=\w+ /, '')
    .split(' ')
    .slice(0, -1)
}

function exec(json: string): string[] {
  return JSON.parse(json) as string[]
}

/** The command itself; without a registry and a full cache, what it would have put there, out of this folder's packages. */
async function install(command: string, workdir: string): Promise<void> {
  expect(command).toMatch(/^npm ci --omit=dev --ignore-scripts\b/)
  const [name, ...args] = command.split(' ')
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    npm_config_prefer_offline: 'true',
    npm_config_fetch_retries: '0',
  }
  await run(name!, args, { cwd: workdir, env }).catch(() => copyPackages(workdir))
}

async function copyPackages(workdir: string): Promise<void> {
  await rm(join(workdir, 'node_modules'), { recursive: true, force: true })
  const { packages } = JSON.parse(await read('package-lock.json')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean }>
  }
  for (const [path, { dev, devOptional, optional }] of Object.entries(packages)) {
    // What is nested comes with what it is nested in.
    if (path === '' || dev || devOptional || path.lastIndexOf('node_modules/') !== 0) continue
    const copied = cp(join(ownProjectDir, path), join(workdir, path), { recursive: true })
    await (optional ? copied.catch(() => {}) : copied)
  }
}
