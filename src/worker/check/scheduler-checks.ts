import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { Runtime } from '../../shared/runtime.ts'
import { type Check, type Finding, failed, ok, warning } from './check.ts'

const migrationsFolder = new URL('../../../supabase/migrations/', import.meta.url)

/** What makes syncs begin by themselves: pg_cron, pg_net, and the secrets in Vault. */
export const schedulerChecks: Check[] = [
  { name: 'scheduler', needsDatabase: true, run: checkScheduler },
  { name: 'wake-up', needsDatabase: true, run: checkWakeUp },
  { name: 'wake-up-answers', needsDatabase: true, run: checkWakeUpAnswers },
]

async function checkScheduler({ sql }: Runtime): Promise<Finding | Finding[]> {
  if (!(await exists(sql, 'cron.job'))) {
    return warning(
      'pg_cron is not installed: nothing here calls patchbay.dispatch().',
      'Enable it (dashboard: Integrations, Cron) and schedule the jobs as the migrations do; or let something else call ' +
        'patchbay.dispatch() every few seconds.',
    )
  }
  const jobs = await sql<{ jobid: bigint; jobname: string; active: boolean }[]>`
    select jobid, jobname, active from cron.job where jobname like 'patchbay-%'`
  const findings = scheduledJobs().flatMap(({ name, file }): Finding[] => {
    const job = jobs.find(({ jobname }) => jobname === name)
    if (job?.active) return []
    const remedy = `Run cron.schedule('${name}', …) as in supabase/migrations/${file}.`
    if (job === undefined) return [failed(`The job ${name} is not scheduled.`, remedy)]
    return [failed(`The job ${name} is paused.`, `select cron.alter_job(${job.jobid}, active := true);`)]
  })
  const dispatch = jobs.find(({ jobname }) => jobname === 'patchbay-dispatch')
  return dispatch?.active ? [...findings, await checkTick(sql, dispatch.jobid)] : findings
}

/** The names of the jobs that the migrations schedule. */
function scheduledJobs(): { name: string; file: string }[] {
  if (!existsSync(migrationsFolder)) return []
  const found = readdirSync(migrationsFolder)
    .toSorted()
    .flatMap((file) => {
      const text = readFileSync(new URL(file, migrationsFolder), 'utf8').replaceAll(/^\s*--.*$/gm, '')
      return [...text.matchAll(/cron\.schedule\(\s*'([\w-]+)'/g)].map(([, name = '']): [string, string] => [name, file])
    })
  return [...new Map(found)].map(([name, file]) => ({ name, file }))
}

async function checkTick(sql: Runtime['sql'], jobId: bigint): Promise<Finding> {
  const [last] = await sql<{ status: string; message: string | null; seconds: number }[]>`
    select status, return_message as message, extract(epoch from clock_timestamp() - start_time)::int as seconds
    from cron.job_run_details where jobid = ${jobId.toString()} and start_time is not null order by runid desc limit 1`
  if (last === undefined) return failed('The scheduler has not ticked yet.', 'Wait a minute and check again. Is pg_cron running?')
  if (last.status === 'failed') {
    return failed(
      `The scheduler's last tick failed: ${last.message ?? 'it says no reason'}`.trim(),
      'Run select patchbay.dispatch(); in the SQL editor to see it.',
    )
  }
  // Where pg_cron knows minutes only, a tick is a minute away.
  if (last.seconds > 180) {
    return failed(
      `The scheduler's last tick was ${last.seconds} s ago.`,
      'pg_cron does not run: restart the project (dashboard: Settings).',
    )
  }
  return ok(`The scheduler ticks; the last time was ${last.seconds} s ago.`)
}

async function checkWakeUp({ sql, config }: Runtime): Promise<Finding | Finding[]> {
  const nodeWorkers = 'With Node workers only, this may stay so.'
  const [net] = await sql<{ there: boolean }[]>`
    select to_regprocedure('net.http_post(text, jsonb, jsonb, jsonb, integer)') is not null as there`
  if (!net?.there) {
    return warning(
      'pg_net is not installed: nothing wakes the worker function.',
      `Enable pg_net (dashboard: Database, Extensions). ${nodeWorkers}`,
    )
  }
  if (!(await exists(sql, 'vault.decrypted_secrets'))) {
    return warning('Vault is not installed: nothing wakes the worker function.', `Enable Vault. ${nodeWorkers}`)
  }
  const secrets = await sql<{ name: string; value: string }[]>`
    select name, decrypted_secret as value from vault.decrypted_secrets
    where name in ('patchbay_functions_url', 'patchbay_worker_secret')`
  const url = secrets.find(({ name }) => name === 'patchbay_functions_url')?.value
  const secret = secrets.find(({ name }) => name === 'patchbay_worker_secret')?.value
  return [
    judgeUrl(url, config.functionsUrl, nodeWorkers),
    secret === undefined
      ? warning(
          'Vault has no patchbay_worker_secret: nothing wakes the worker function.',
          `select vault.create_secret('the value of CONNECTOR_WORKER_SECRET', 'patchbay_worker_secret'); ${nodeWorkers}`,
        )
      : judgeSecret(secret === config.workerSecret),
  ]
}

function judgeUrl(url: string | undefined, expected: string, nodeWorkers: string): Finding {
  if (url === expected) return ok("Vault has the functions' address.")
  if (url === undefined) {
    return warning(
      'Vault has no patchbay_functions_url: nothing wakes the worker function.',
      `select vault.create_secret('${expected}', 'patchbay_functions_url'); ${nodeWorkers}`,
    )
  }
  return warning(
    `Vault's patchbay_functions_url is not ${expected}.`,
    `Unless it is meant so: select vault.update_secret(id, '${expected}') from vault.secrets where name = 'patchbay_functions_url';`,
  )
}

function judgeSecret(same: boolean): Finding {
  if (same) return ok("Vault's worker secret is CONNECTOR_WORKER_SECRET.")
  return failed(
    "Vault's patchbay_worker_secret is not CONNECTOR_WORKER_SECRET: the worker function refuses the scheduler.",
    "select vault.update_secret(id, 'the value of CONNECTOR_WORKER_SECRET') from vault.secrets where name = 'patchbay_worker_secret';",
  )
}

async function checkWakeUpAnswers({ sql }: Runtime): Promise<Finding> {
  if (!(await exists(sql, 'net._http_response'))) return ok('There are no answers of the worker function to look at.')
  // The worker function's, and those that other things in this project got: pg_net does not say whose they are.
  const [last] = await sql<{ status: number | null; reason: string | null; woken: boolean }[]>`
    select status_code as status, error_msg as reason, status_code = 202 as woken
    from net._http_response where created > now() - interval '10 minutes' order by (status_code = 202) desc nulls last, created desc limit 1`
  if (last === undefined) return ok('Nothing was woken in the last ten minutes.')
  if (last.woken) return ok('The worker function has been woken in the last ten minutes.')
  const answer = last.status === null ? `no answer (${last.reason ?? 'it says no reason'})` : `the answer ${last.status}`
  return warning(
    `The last request of pg_net got ${answer}, and none of the last ten minutes woke the worker function.`,
    last.status === 401
      ? 'If it was for the worker function: its secret CONNECTOR_WORKER_SECRET is not the one in Vault.'
      : 'If it was for the worker function: look at its log (dashboard: Edge Functions).',
  )
}

async function exists(sql: Runtime['sql'], relation: string): Promise<boolean> {
  const [row] = await sql<{ there: boolean }[]>`select to_regclass(${relation}) is not null as there`
  return row?.there === true
}
