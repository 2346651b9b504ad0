import { existsSync, readdirSync } from 'node:fs'
import { z } from 'zod'
import type { Runtime } from '../../shared/runtime.ts'
import { type Check, type Finding, failed, ok, warning } from './check.ts'
import { type Answer, ask } from './request.ts'

const functionsFolder = new URL('../../../supabase/functions/', import.meta.url)

/** What is asked over HTTP: the Data API, its keys and schemas, and the Edge Functions. */
export const projectChecks: Check[] = [
  { name: 'project-url', needsDatabase: false, run: async ({ config }) => checkUrl(config.supabaseUrl) },
  { name: 'publishable-key', needsDatabase: false, run: checkPublishableKey },
  { name: 'service-key', needsDatabase: false, run: checkServiceKey },
  { name: 'exposed-schemas', needsDatabase: false, run: checkExposedSchemas },
  { name: 'functions', needsDatabase: false, run: checkFunctions },
]

function checkUrl(supabaseUrl: string): Finding {
  const { protocol, hostname } = new URL(supabaseUrl)
  if (protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)) return ok(`The project is ${supabaseUrl}.`)
  return failed(
    `The project's address is ${supabaseUrl}: keys and tokens would cross the network in clear.`,
    'Set CONNECTOR_SUPABASE_URL to its https address.',
  )
}

async function checkPublishableKey(runtime: Runtime): Promise<Finding> {
  const { publishableKey } = runtime.config
  const remedy = 'Set CONNECTOR_SUPABASE_ANON_KEY to the publishable key of this project (dashboard: Settings, API Keys).'
  if (isSecretKey(publishableKey)) return failed('The publishable key is a secret key, which passes row level security.', remedy)

  const answer = await ask(runtime, '/rest/v1/endpoints?select=id&limit=1', { headers: { apikey: publishableKey } })
  if (typeof answer === 'string') return failed(answer, 'Set CONNECTOR_SUPABASE_URL to the project URL; is the project paused?')
  const { code } = answer
  // A client that has not signed in may read nothing.
  if (code === '42501') return ok('The Data API answers, and takes the publishable key.')
  if (code === 'PGRST205') return tableUnknown
  if (code === 'PGRST106') {
    return failed(
      'The Data API does not expose the schema public.',
      'Add public to the exposed schemas (dashboard: Settings, Data API).',
    )
  }
  if (answer.status === 401 || answer.status === 403) return failed('The Data API refuses the publishable key.', remedy)
  if (answer.status === 200) {
    return failed(
      'Anybody who has the publishable key may read the table endpoints.',
      'revoke all on table public.endpoints from anon;',
    )
  }
  return failed(
    `The Data API answered ${answer.status}${code && `, ${code}`}.`,
    'Look at the project in the dashboard: is it paused?',
  )
}

const tableUnknown = failed(
  'The Data API does not know the table endpoints.',
  "Apply the migrations (npx supabase db push). After that: notify pgrst, 'reload schema';",
)

async function checkServiceKey(runtime: Runtime): Promise<Finding> {
  const key = runtime.config.optional('CONNECTOR_SUPABASE_SERVICE_ROLE_KEY')
  if (key === undefined) return ok('No service key is set; Patchbay needs none.')
  const answer = await ask(runtime, '/rest/v1/endpoints?select=id&limit=1', { headers: { apikey: key } })
  if (typeof answer === 'string') return failed(answer, 'Set CONNECTOR_SUPABASE_URL to the project URL.')
  if (answer.status === 200) return ok('The Data API takes the service key.')
  return failed(
    `The Data API refuses the service key with ${answer.status}.`,
    'Set CONNECTOR_SUPABASE_SERVICE_ROLE_KEY to a secret key of this project, or take it out: Patchbay needs none.',
  )
}

async function checkExposedSchemas(runtime: Runtime): Promise<Finding> {
  const exposed: string[] = []
  for (const schema of ['patchbay', 'pgboss']) {
    const headers = { apikey: runtime.config.publishableKey, 'accept-profile': schema }
    const answer = await ask(runtime, '/rest/v1/job?limit=1', { headers })
    if (typeof answer === 'string') return failed(answer, 'Set CONNECTOR_SUPABASE_URL to the project URL.')
    if (answer.code === 'PGRST106') continue
    if (answer.status === 401 && answer.code === '') {
      return failed(
        'Which schemas are exposed could not be asked: the key was refused.',
        'Mend the publishable key, and check again.',
      )
    }
    exposed.push(schema)
  }
  if (exposed.length === 0) return ok('The schemas patchbay and pgboss are not exposed.')
  return failed(
    `The Data API exposes ${exposed.join(' and ')}, with all that is private.`,
    'Take it out of the exposed schemas (dashboard: Settings, Data API; locally: [api] schemas in supabase/config.toml).',
  )
}

async function checkFunctions(runtime: Runtime): Promise<Finding | Finding[]> {
  if (!existsSync(functionsFolder)) {
    return warning(
      'Edge Functions were not asked: which there are is not beside this program.',
      'Run this command in a checkout of the project.',
    )
  }
  const names = readdirSync(functionsFolder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('_'))
    .map(({ name }) => name)
  // Without credentials, and with a method that most refuse: what counts is who refuses.
  const answers = await Promise.all(names.map((name) => ask(runtime, `/functions/v1/${name}`, { method: 'POST' })))
  const [first] = answers
  if (typeof first === 'string' && answers.every((answer) => typeof answer === 'string')) {
    return failed(`Edge Functions: ${first}`, 'Set CONNECTOR_SUPABASE_URL to the project URL.')
  }
  const findings = names.map((name, index) => judgeFunction(name, answers[index] ?? 'It was not asked.'))
  const broken = findings.filter(({ state }) => state !== 'ok')
  return broken.length > 0 ? broken : [ok(`All ${names.length} Edge Functions answer.`)]
}

function judgeFunction(name: string, answer: Answer | string): Finding {
  if (typeof answer === 'string') return failed(`Function ${name}: ${answer}`, 'Set CONNECTOR_SUPABASE_URL to the project URL.')
  const own = OwnError.safeParse(answer.body).data?.error.code
  const deploy = 'npx supabase functions deploy --use-api'
  if (own === 'config_invalid') {
    return failed(
      `Function ${name}: its secrets are missing or wrong; its log has which.`,
      'npx supabase secrets set --env-file .env, with all that README.md lists.',
    )
  }
  if (own === 'database_unavailable') {
    return failed(`Function ${name} cannot reach the database.`, 'Correct or take out the secret CONNECTOR_DATABASE_URL.')
  }
  if (own === 'internal_error') return failed(`Function ${name} failed.`, 'Its log has the reason (dashboard: Edge Functions).')
  if (own !== undefined || (answer.status < 300 && answer.body !== undefined)) return ok(`Function ${name} answers.`)
  if (answer.status === 404) return failed(`Function ${name} is not deployed.`, deploy)
  if (answer.status === 401) {
    return failed(
      `Function ${name} is deployed with the platform's JWT check, which its callers cannot pass.`,
      `Copy its entry of supabase/config.toml (verify_jwt = false), then: ${deploy}`,
    )
  }
  if (answer.status === 429) return warning(`Function ${name} could not be asked: too many requests.`, 'Check again in a minute.')
  return failed(
    `Function ${name} answers ${answer.status}: it does not start.`,
    `Deploy it again: ${deploy}. Its log has the reason.`,
  )
}

const OwnError = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

/** Of both kinds: `sb_secret_…`, and the older JWT whose role is the service's. */
function isSecretKey(key: string): boolean {
  if (key.startsWith('sb_secret_')) return true
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(key) ?? []
  return payload !== undefined && Buffer.from(payload, 'base64url').toString().includes('"service_role"')
}
