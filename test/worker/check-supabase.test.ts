import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sandboxEnv } from '../../src/local/sandbox-env.ts'
import { ownProjectDir } from '../../src/local/services.ts'
import { readConfig } from '../../src/shared/config.ts'
import { type Runtime, createRuntime } from '../../src/shared/runtime.ts'
import { type Finding, runCheck } from '../../src/worker/check/check.ts'
import { checks } from '../../src/worker/check/checks.ts'
import { addUser, connectAccount } from '../db/rows.ts'
import { storeIntegration, tokenKey } from '../oauth/support.ts'
import { type TestPlatform, startTestPlatform } from '../support/database.ts'
import { until } from '../support/until.ts'

// A whole local project, in which each fault is made for real, and mended again.

const run = promisify(execFile)
const shared = { CONNECTOR_TOKEN_KEYS: tokenKey('k1'), CONNECTOR_REDIRECT_URLS: 'https://app.example/settings' }

let platform: TestPlatform
beforeAll(async () => {
  platform = await startTestPlatform({ functionEnv: shared })
  await platform.sql`select cron.alter_job(jobid, schedule := '1 second') from cron.job where jobname = 'patchbay-dispatch'`
  await until(async () => (await platform.sql`select from cron.job_run_details where status = 'succeeded'`).length > 0)
}, 120_000)
afterAll(() => platform.stop())

/** What an operator's .env has for this project. */
function projectEnv(changes: Record<string, string> = {}): Record<string, string> {
  return {
    ...shared,
    ...sandboxEnv('http://127.0.0.1:54400'),
    CONNECTOR_SUPABASE_URL: platform.url,
    CONNECTOR_DATABASE_URL: platform.dbUrl,
    CONNECTOR_SUPABASE_ANON_KEY: platform.keys.publishableKey,
    CONNECTOR_SUPABASE_SERVICE_ROLE_KEY: platform.keys.secretKey,
    CONNECTOR_WORKER_SECRET: platform.keys.workerSecret,
    ...changes,
  }
}

/** What one check finds with these settings. */
async function findingsOf(name: string, changes: Record<string, string> = {}): Promise<Finding[]> {
  const check = checks.find((check) => check.name === name)
  if (check === undefined) throw new Error(`There is no check ${name}`)
  const runtime: Runtime = createRuntime(readConfig(projectEnv(changes)), { connections: 1, print: () => {} })
  try {
    return await runCheck(check, runtime)
  } finally {
    await runtime.sql.end({ timeout: 5 })
  }
}

const command = (env: Record<string, string>, ...args: string[]) =>
  run(process.execPath, ['src/worker/check-supabase.ts', ...args], { env: { NO_COLOR: '1', ...env } })

const finding = (state: Finding['state'], text: string, remedy: string) => ({
  state,
  text: expect.stringContaining(text),
  remedy: expect.stringContaining(remedy),
})

describe('npm run check:supabase', () => {
  it('finds everything in order in a project that is, and shows no secret', async () => {
    const { stdout } = await command(projectEnv())

    expect(stdout).toContain('0 failed, 0 warnings')
    expect(stdout.match(/^ok /gm)?.length).toBeGreaterThanOrEqual(checks.length)
    const { jwtSecret, secretKey, workerSecret, serviceRoleKey } = platform.keys
    const keys = [jwtSecret, secretKey, workerSecret, serviceRoleKey, shared.CONNECTOR_TOKEN_KEYS, 'postgres:postgres@']
    for (const secret of keys) expect(stdout).not.toContain(secret)
  })

  it('changes nothing in the database', async () => {
    const writes = async () =>
      (
        await platform.sql`
        select n_tup_ins + n_tup_upd + n_tup_del as writes, relname from pg_stat_user_tables
        where schemaname in ('public', 'vault', 'supabase_migrations') order by relname`
      ).map((row) => ({ ...row }))
    const before = await writes()
    await command(projectEnv())

    expect(await writes()).toEqual(before)
  })

  it('has a JSON form, and exits with 1 when something failed', async () => {
    const failure = await command(projectEnv({ CONNECTOR_SUPABASE_ANON_KEY: 'sb_publishable_wrong' }), '--json').catch(
      (error: { code: number; stdout: string }) => error,
    )

    expect(failure).toMatchObject({ code: 1 })
    const { ok, findings } = JSON.parse(failure.stdout) as { ok: boolean; findings: (Finding & { check: string })[] }
    expect(ok).toBe(false)
    expect(findings.find(({ check }) => check === 'publishable-key')).toMatchObject({ state: 'failed' })
    expect(findings.find(({ check }) => check === 'migrations')).toMatchObject({ state: 'ok' })
  })

  it('names every setting that is missing, and goes no further', async () => {
    await expect(command({})).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringMatching(
        /^failed[^]*SUPABASE_URL[^]*CONNECTOR_TOKEN_KEYS[^]*CONNECTOR_WORKER_SECRET[^]*1 failed, 0 warnings, 0 ok/,
      ),
    })
  })

  it('leaves out what needs the database when that does not answer, and says why it does not', async () => {
    const wrong = platform.dbUrl.replace(/\/[^/]+$/, '/nonesuch')
    const failure = await command(projectEnv({ CONNECTOR_DATABASE_URL: wrong })).catch((error: { stdout: string }) => error)

    expect(failure.stdout).toMatch(/^failed.*database.*does not exist.*\n.*it is postgres/m)
    expect(failure.stdout).toMatch(/^ok.*publishable key/m)
    expect(failure.stdout).not.toContain('migrations')
  })
})

describe('the Data API', () => {
  it('does not answer', async () => {
    expect(await findingsOf('publishable-key', { CONNECTOR_SUPABASE_URL: 'http://127.0.0.1:9' })).toEqual([
      finding('failed', 'http://127.0.0.1:9 does not answer', 'is the project paused?'),
    ])
  })

  it('refuses the publishable key', async () => {
    expect(await findingsOf('publishable-key', { CONNECTOR_SUPABASE_ANON_KEY: 'sb_publishable_wrong' })).toEqual([
      finding('failed', 'refuses the publishable key', 'CONNECTOR_SUPABASE_ANON_KEY'),
    ])
  })

  it.each(['secretKey', 'serviceRoleKey'] as const)('is given a secret key as the publishable one: %s', async (name) => {
    const [found] = await findingsOf('publishable-key', { CONNECTOR_SUPABASE_ANON_KEY: platform.keys[name] })
    expect(found).toEqual(finding('failed', 'is a secret key', 'publishable key of this project'))
  })

  it('refuses the service key', async () => {
    expect(await findingsOf('service-key', { CONNECTOR_SUPABASE_SERVICE_ROLE_KEY: 'sb_secret_wrong' })).toEqual([
      finding('failed', 'refuses the service key with 401', 'or take it out'),
    ])
  })

  it('is given a service key that no header takes, and does not repeat it', async () => {
    const found = await findingsOf('service-key', { CONNECTOR_SUPABASE_SERVICE_ROLE_KEY: 'sb_secret_one\nsb_secret_two' })
    expect(found).toMatchObject([{ state: 'failed' }])
    expect(JSON.stringify(found)).not.toContain('sb_secret_')
  })

  it('shows a table to everybody', async () => {
    await platform.sql`grant select on public.endpoints to anon`
    const found = await findingsOf('publishable-key')
    await platform.sql`revoke select on public.endpoints from anon`

    expect(found).toEqual([finding('failed', 'Anybody', 'revoke all on table public.endpoints from anon')])
  })

  it('exposes a private schema', async () => {
    // The local one exposes public, whatever is asked: this answers as PostgREST does where patchbay is exposed.
    const server = createServer((request, response) => {
      const exposed = request.headers['accept-profile'] === 'patchbay'
      response
        .writeHead(exposed ? 404 : 406, { 'content-type': 'application/json' })
        .end(JSON.stringify({ code: exposed ? 'PGRST205' : 'PGRST106', message: '' }))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const found = await findingsOf('exposed-schemas', { CONNECTOR_SUPABASE_URL: `http://127.0.0.1:${port}` })
    server.close()

    expect(found).toEqual([finding('failed', 'The Data API exposes patchbay,', 'exposed schemas')])
  })

  it('would be reached in clear', async () => {
    expect(await findingsOf('project-url', { CONNECTOR_SUPABASE_URL: 'http://abcd.example' })).toEqual([
      finding('failed', 'in clear', 'https'),
    ])
  })
})

describe('the Edge Functions', () => {
  it('are not deployed, do not start, or are deployed with the JWT check', async () => {
    await using project = await copyOfProject()
    await rm(join(project.path, 'supabase/functions/worker'), { recursive: true })
    await writeFile(join(project.path, 'supabase/functions/oauth-start/index.ts'), 'throw new Error("does not start")\n')
    await writeFile(
      join(project.path, 'supabase/config.toml'),
      project.config
        .replace(/(\[functions\.oauth-authorize\]\nverify_jwt = )false/, '$1true')
        .replace(/\[functions\.worker\]\n[^[]*/, ''),
    )
    await using other = await startTestPlatform({ functionEnv: shared, projectDir: project.path })

    const keys = { CONNECTOR_SUPABASE_URL: other.url, CONNECTOR_SUPABASE_ANON_KEY: other.keys.publishableKey }
    expect(await findingsOf('functions', keys)).toEqual([
      finding('failed', "oauth-authorize is deployed with the platform's JWT check", 'verify_jwt = false'),
      finding('failed', 'oauth-start answers 503: it does not start', 'functions deploy'),
      finding('failed', 'worker is not deployed', 'npx supabase functions deploy --use-api'),
    ])
  })

  it('are out of reach', async () => {
    expect(await findingsOf('functions', { CONNECTOR_SUPABASE_URL: 'http://127.0.0.1:9' })).toEqual([
      finding('failed', 'Edge Functions: http://127.0.0.1:9 does not answer', 'CONNECTOR_SUPABASE_URL'),
    ])
  })

  it('lack their secrets', async () => {
    await using other = await startTestPlatform()
    const found = await findingsOf('functions', { CONNECTOR_SUPABASE_URL: other.url })

    expect(found).toContainEqual(finding('failed', 'Function worker: its secrets are missing', 'npx supabase secrets set'))
  })
})

describe('the database', () => {
  it('lacks a migration', async () => {
    const [last] = await platform.sql`
      delete from supabase_migrations.schema_migrations
      where version = (select max(version) from supabase_migrations.schema_migrations) returning *`
    const found = await findingsOf('migrations')
    await platform.sql`insert into supabase_migrations.schema_migrations ${platform.sql(last as Record<string, string>)}`

    expect(found).toEqual([finding('failed', `migrations are not applied: ${last?.['version']}_`, 'npx supabase db push')])
  })

  it('has a table of the app without row level security', async () => {
    await platform.sql`create table public.notes (id bigint primary key)`
    const found = await findingsOf('row-level-security')
    await platform.sql`drop table public.notes`

    expect(found).toEqual([finding('failed', 'notes', 'alter table public.notes enable row level security;')])
  })
})

describe('the scheduler', () => {
  const superuser = async (statement: string) => {
    const sql = postgres(platform.dbUrl.replace('//postgres:', '//supabase_admin:'), { max: 1, onnotice: () => {} })
    await sql.unsafe(statement).simple()
    await sql.end()
  }

  it('is not there', async () => {
    await superuser('alter table cron.job rename to hidden')
    const found = await findingsOf('scheduler')
    await superuser('alter table cron.hidden rename to job')

    expect(found).toEqual([finding('warning', 'pg_cron is not installed', 'patchbay.dispatch()')])
  })

  it('has lost one job, and another is paused', async () => {
    const [sweep] = await platform.sql`select schedule, command from cron.job where jobname = 'patchbay-sweep'`
    await platform.sql`select cron.unschedule('patchbay-sweep')`
    await platform.sql`select cron.alter_job(jobid, active := false) from cron.job where jobname = 'patchbay-dispatch'`
    const found = await findingsOf('scheduler')
    await platform.sql`select cron.schedule('patchbay-sweep', ${String(sweep?.['schedule'])}, ${String(sweep?.['command'])})`
    await platform.sql`select cron.alter_job(jobid, active := true) from cron.job where jobname = 'patchbay-dispatch'`

    expect(found).toEqual([
      finding('failed', 'patchbay-dispatch is paused', 'active := true'),
      finding('failed', 'patchbay-sweep is not scheduled', "cron.schedule('patchbay-sweep', …)"),
    ])
  })

  it('has not ticked for long, or its last tick failed', async () => {
    // Other ticks would come in between.
    await platform.sql`select cron.alter_job(jobid, schedule := '0 0 1 1 *') from cron.job where jobname = 'patchbay-dispatch'`
    await until(async () => (await platform.sql`select from cron.job_run_details where status = 'running'`).length === 0)
    await superuser("update cron.job_run_details set start_time = now() - interval '1 hour'")
    const late = await findingsOf('scheduler')
    await superuser("update cron.job_run_details set status = 'failed', return_message = 'ERROR: no such function'")
    const broken = await findingsOf('scheduler')
    await superuser('truncate cron.job_run_details')
    const never = await findingsOf('scheduler')
    await platform.sql`select cron.alter_job(jobid, schedule := '1 second') from cron.job where jobname = 'patchbay-dispatch'`

    expect(late).toEqual([finding('failed', 'last tick was 3', 'pg_cron does not run')])
    expect(broken).toEqual([finding('failed', 'ERROR: no such function', 'patchbay.dispatch()')])
    expect(never).toEqual([finding('failed', 'has not ticked yet', 'Wait a minute')])
  })

  it('cannot wake the worker function: no secret, another one, another address', async () => {
    const secrets = await platform.sql`select name, decrypted_secret as value from vault.decrypted_secrets`
    await platform.sql`select vault.update_secret(id, 'another secret, of 32 characters or more') from vault.secrets
      where name = 'patchbay_worker_secret'`
    await platform.sql`select vault.update_secret(id, 'https://other.example/functions/v1') from vault.secrets
      where name = 'patchbay_functions_url'`
    const wrong = await findingsOf('wake-up')
    await platform.sql`delete from vault.secrets`
    const none = await findingsOf('wake-up')
    for (const { name, value } of secrets) await platform.sql`select vault.create_secret(${String(value)}, ${String(name)})`

    expect(wrong).toEqual([
      finding('warning', 'patchbay_functions_url is not', 'vault.update_secret'),
      finding('failed', 'patchbay_worker_secret is not CONNECTOR_WORKER_SECRET', 'vault.update_secret'),
    ])
    expect(JSON.stringify(wrong)).not.toContain('another secret')
    expect(JSON.stringify(wrong)).not.toContain(platform.keys.workerSecret)
    expect(none).toEqual([
      finding('warning', 'no patchbay_functions_url', `vault.create_secret('${platform.url}/functions/v1'`),
      finding('warning', 'no patchbay_worker_secret', 'vault.create_secret'),
    ])
  })

  it('has nothing to wake it with: no pg_net, no Vault', async () => {
    await superuser('alter schema net rename to hidden')
    const noNet = await findingsOf('wake-up')
    const noAnswers = await findingsOf('wake-up-answers')
    await superuser('alter schema hidden rename to net')
    await superuser('alter schema vault rename to hidden')
    const noVault = await findingsOf('wake-up')
    await superuser('alter schema hidden rename to vault')

    expect(noNet).toEqual([finding('warning', 'pg_net is not installed', 'Node workers')])
    expect(noAnswers).toMatchObject([{ state: 'ok' }])
    expect(noVault).toEqual([finding('warning', 'Vault is not installed', 'Node workers')])
  })

  it('got other answers than it should', async () => {
    const answered = async (columns: string) => {
      await superuser(`truncate net._http_response; insert into net._http_response (id, timed_out, ${columns}`)
      return findingsOf('wake-up-answers')
    }
    const refused = await answered('status_code) values (1, false, 401)')
    const silent = await answered("error_msg) values (1, false, 'Could not resolve host')")
    const woken = await answered('status_code) values (1, false, 202), (2, false, 500)')
    await superuser('truncate net._http_response')

    expect(refused).toEqual([finding('warning', 'the answer 401', 'CONNECTOR_WORKER_SECRET')])
    expect(silent).toEqual([finding('warning', 'Could not resolve host', 'its log')])
    expect(woken).toEqual([{ state: 'ok', text: expect.stringContaining('has been woken') }])
  })
})

describe('the credentials', () => {
  it('cannot be read, as their key is missing', async () => {
    const runtime = createRuntime(readConfig(projectEnv()), { connections: 1, print: () => {} })
    const integrationId = await storeIntegration(runtime, 3600_000)
    await runtime.sql.end()
    const found = await findingsOf('token-keys', { CONNECTOR_TOKEN_KEYS: tokenKey('k2') })
    await platform.sql`delete from public.integrations where id = ${integrationId}`

    expect(found).toEqual([finding('failed', 'encrypted with the key k1', 'k1')])
  })

  it('lack the app of a provider that is in use', async () => {
    const integrationId = await connectAccount(platform.sql, await addUser(platform.sql))
    const found = await findingsOf('provider-apps', { GOOGLE_CLIENT_SECRET: '' })
    await platform.sql`update public.integrations set provider = 'gone' where id = ${integrationId}`
    const unknown = await findingsOf('provider-apps')
    await platform.sql`delete from public.integrations where id = ${integrationId}`

    expect(found).toEqual([
      finding('failed', 'Google Drive is in use, and GOOGLE_CLIENT_SECRET', 'docs/providers/google-drive.md'),
    ])
    expect(unknown).toEqual([finding('failed', 'integrations of gone', 'Deploy')])
  })

  it('are those of no app at all', async () => {
    const none = Object.fromEntries(Object.keys(sandboxEnv('')).map((name) => [name, '']))
    expect(await findingsOf('provider-apps', none)).toEqual([finding('warning', 'No provider has an app', 'docs/OAUTH_SETUP.md')])
  })

  it('would go to addresses that are not safe', async () => {
    const changes = {
      CONNECTOR_SUPABASE_URL: 'https://abcd.supabase.co',
      CONNECTOR_REDIRECT_URLS: 'https://app.example,http://localhost:3000',
      SLACK_REDIRECT_URI: 'http://app.example/slack',
    }
    expect(await findingsOf('redirect-urls', changes)).toEqual([
      finding('failed', 'SLACK_REDIRECT_URI is not an https address', 'https'),
      finding('warning', 'http://localhost:3000', 'CONNECTOR_REDIRECT_URLS'),
    ])
  })
})

/** What a project deploys, to be changed. */
async function copyOfProject(): Promise<AsyncDisposable & { path: string; config: string }> {
  const path = await mkdtemp(join(tmpdir(), 'patchbay-project-'))
  await cp(join(ownProjectDir, 'supabase'), join(path, 'supabase'), { recursive: true })
  await cp(join(ownProjectDir, 'src/shared'), join(path, 'src/shared'), { recursive: true })
  await symlink(join(ownProjectDir, 'node_modules'), join(path, 'node_modules'))
  const config = await readFile(join(path, 'supabase/config.toml'), 'utf8')
  return { path, config, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
