import type { Config } from '../../shared/config.ts'
import { requireAllKeys } from '../../shared/oauth/rotate-keys.ts'
import type { ProviderDefinition } from '../../shared/providers/define.ts'
import { providers } from '../../shared/providers/registry.ts'
import type { Runtime } from '../../shared/runtime.ts'
import { type Check, type Finding, failed, ok, warning } from './check.ts'

/** The keys of stored tokens, the providers' apps, and where browsers are sent. */
export const credentialChecks: Check[] = [
  { name: 'token-keys', needsDatabase: true, run: checkTokenKeys },
  { name: 'provider-apps', needsDatabase: true, run: checkProviderApps },
  { name: 'redirect-urls', needsDatabase: false, run: async ({ config }) => checkRedirectUrls(config) },
]

async function checkTokenKeys(runtime: Runtime): Promise<Finding> {
  await requireAllKeys(runtime)
  return ok('CONNECTOR_TOKEN_KEYS reads the stored tokens.')
}

async function checkProviderApps({ sql, config }: Runtime): Promise<Finding | Finding[]> {
  const used = await sql<{ provider: string; grant: string }[]>`
    select distinct provider, grant_type as grant from public.integrations where status <> 'disconnected'
    union
    select t.provider, 'authorization_code' from patchbay.endpoint_types t
    where exists (select from public.endpoints e where e.endpoint_type = t.endpoint_type and e.integration_id is null)`
  const findings = used.flatMap(({ provider, grant }) => {
    const definition = providers.find(({ id }) => id === provider)
    return definition === undefined ? [unknownProvider(provider)] : missingVariables(definition, grant, config)
  })
  if (findings.length > 0) return findings
  const offered = providers.filter(({ auth }) => missing(config, [auth.env.clientId, auth.env.clientSecret]).length === 0)
  const names = offered.map(({ name }) => name).join(', ')
  if (names !== '') return ok(`Apps are set up for ${names}; each provider that is in use has its own.`)
  return warning(
    'No provider has an app: nobody can connect.',
    'Register one, as docs/OAUTH_SETUP.md says, and set its client id and secret.',
  )
}

function missingVariables({ id, name, auth }: ProviderDefinition, grant: string, config: Config): Finding[] {
  const needed =
    grant === 'service_account' && auth.serviceAccount ? [auth.serviceAccount.env] : [auth.env.clientId, auth.env.clientSecret]
  const absent = missing(config, needed)
  if (absent.length === 0) return []
  return [failed(`${name} is in use, and ${absent.join(' and ')} not set.`, `docs/providers/${id}.md says where to get it.`)]
}

function missing(config: Config, names: readonly string[]): string[] {
  return names.filter((name) => config.optional(name) === undefined)
}

function unknownProvider(id: string): Finding {
  return failed(`There are integrations of ${id}, a provider that this version does not know.`, 'Deploy the version that has it.')
}

function checkRedirectUrls(config: Config): Finding[] {
  const hosted = new URL(config.supabaseUrl).protocol === 'https:'
  const findings = providers.flatMap(({ auth }): Finding[] => {
    const url = config.optional(auth.env.redirectUri)
    if (url === undefined || isSecure(url) || !hosted) return []
    return [
      failed(
        `${auth.env.redirectUri} is not an https address: codes would cross the network in clear.`,
        'Set an https address, or take it out.',
      ),
    ]
  })
  const local = config.redirectUrls.filter((url) => hosted && !url.startsWith('https:'))
  if (local.length > 0) {
    findings.push(
      warning(
        `Users may be sent back to ${local.join(', ')}, which is each user's own machine.`,
        'Take it out of CONNECTOR_REDIRECT_URLS (or FRONTEND_URL) once development is over.',
      ),
    )
  }
  return findings.length > 0 ? findings : [ok(`Users may be sent back to ${config.redirectUrls.join(', ')}.`)]
}

function isSecure(url: string): boolean {
  return URL.canParse(url) && new URL(url).protocol === 'https:'
}
