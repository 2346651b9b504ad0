import { z } from 'zod'
import { PatchbayError } from './errors.ts'
import { type LogLevel, logLevels } from './log.ts'

/** One installation's settings. Secrets are getters, so that a Config that is logged or inspected shows none. */
export interface Config {
  /** The project's origin, such as `https://abcd.supabase.co`. */
  readonly supabaseUrl: string
  /** Where the project's Edge Functions are, as a browser reaches them; no trailing slash. */
  readonly functionsUrl: string
  /** The publishable key, or the older anon key. */
  readonly publishableKey: string
  /** Where users may be sent back to: each page given, and those below it. The first is the default. */
  readonly redirectUrls: readonly [string, ...string[]]
  /** Set: every provider is the sandbox at this loopback address; no trailing slash. */
  readonly sandboxUrl: string | undefined
  /** Such as `production`; it is in every log line and in the status. */
  readonly environment: string
  /** Whether providers are asked to call the function `webhooks`. */
  readonly webhooks: boolean
  readonly logLevel: LogLevel
  readonly maxConcurrentSyncs: number
  /** Where the Node worker answers /health, /status and /metrics; 0 is any free port. */
  readonly port: number
  readonly databaseUrl: string
  /** What the caller of the worker function must show. */
  readonly workerSecret: string
  /** The first encrypts; all decrypt. */
  readonly tokenKeys: readonly [TokenKey, ...TokenKey[]]
  /** The environment variable `name`. Throws `config_invalid` when it is not set. */
  secret: (name: string) => string
  /** The environment variable `name`, or undefined when it is not set. */
  optional: (name: string) => string | undefined
}

export interface TokenKey {
  /** Stored beside what it encrypts. */
  id: string
  /** 32 bytes, for AES-256-GCM. */
  key: Uint8Array
}

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the settings from environment variables; an empty one counts as not set. Throws `config_invalid`, whose message lists every
 * variable that is missing or wrong and says what it must be, never what it is.
 */
export function readConfig(env: Environment): Config {
  const get = (name: string): string | undefined => env[name] || undefined
  // What an operator sets comes before what the platform provides.
  const parsed = Settings.safeParse({
    SUPABASE_URL: get('CONNECTOR_SUPABASE_URL') ?? get('SUPABASE_URL'),
    CONNECTOR_DATABASE_URL: get('CONNECTOR_DATABASE_URL') ?? get('SUPABASE_DB_URL'),
    SUPABASE_PUBLISHABLE_KEYS:
      get('CONNECTOR_SUPABASE_ANON_KEY') ?? defaultKey(get('SUPABASE_PUBLISHABLE_KEYS')) ?? get('SUPABASE_ANON_KEY'),
    CONNECTOR_REDIRECT_URLS: get('CONNECTOR_REDIRECT_URLS') ?? get('FRONTEND_URL'),
    CONNECTOR_TOKEN_KEYS: get('CONNECTOR_TOKEN_KEYS'),
    CONNECTOR_WORKER_SECRET: get('CONNECTOR_WORKER_SECRET'),
    CONNECTOR_SANDBOX_URL: get('CONNECTOR_SANDBOX_URL'),
    CONNECTOR_WEBHOOKS: get('CONNECTOR_WEBHOOKS'),
    CONNECTOR_ENVIRONMENT: get('CONNECTOR_ENVIRONMENT'),
    CONNECTOR_LOG_LEVEL: get('CONNECTOR_LOG_LEVEL'),
    CONNECTOR_MAX_CONCURRENT_SYNCS: get('CONNECTOR_MAX_CONCURRENT_SYNCS'),
    CONNECTOR_PORT: get('CONNECTOR_PORT'),
  })
  if (parsed.success) return new EnvironmentConfig(parsed.data, get)

  const problems = parsed.error.issues.map((issue) => `- ${issue.path.join('.')} ${issue.message}`)
  throw new PatchbayError('config_invalid', `Patchbay cannot start with these environment variables:\n${problems.join('\n')}`)
}

class EnvironmentConfig implements Config {
  readonly supabaseUrl: string
  readonly functionsUrl: string
  readonly publishableKey: string
  readonly redirectUrls: readonly [string, ...string[]]
  readonly sandboxUrl: string | undefined
  readonly environment: string
  readonly webhooks: boolean
  readonly logLevel: LogLevel
  readonly maxConcurrentSyncs: number
  readonly port: number
  readonly #settings: Settings
  readonly #get: (name: string) => string | undefined

  constructor(settings: Settings, get: (name: string) => string | undefined) {
    this.supabaseUrl = settings.SUPABASE_URL
    this.functionsUrl = `${settings.SUPABASE_URL}/functions/v1`
    this.publishableKey = settings.SUPABASE_PUBLISHABLE_KEYS
    this.redirectUrls = settings.CONNECTOR_REDIRECT_URLS
    this.sandboxUrl = settings.CONNECTOR_SANDBOX_URL
    // A provider calls nothing but https, and a sandbox reaches what is on this machine.
    const reachable = this.supabaseUrl.startsWith('https:') || (this.sandboxUrl !== undefined && isLoopbackHttp(this.supabaseUrl))
    this.webhooks = settings.CONNECTOR_WEBHOOKS && reachable
    this.environment = settings.CONNECTOR_ENVIRONMENT
    this.logLevel = settings.CONNECTOR_LOG_LEVEL
    this.maxConcurrentSyncs = settings.CONNECTOR_MAX_CONCURRENT_SYNCS
    this.port = settings.CONNECTOR_PORT
    this.#settings = settings
    this.#get = get
  }

  get databaseUrl(): string {
    return this.#settings.CONNECTOR_DATABASE_URL
  }

  get workerSecret(): string {
    return this.#settings.CONNECTOR_WORKER_SECRET
  }

  get tokenKeys(): readonly [TokenKey, ...TokenKey[]] {
    return this.#settings.CONNECTOR_TOKEN_KEYS
  }

  readonly optional = (name: string): string | undefined => this.#get(name)

  readonly secret = (name: string): string => {
    const value = this.#get(name)
    if (value !== undefined) return value
    throw new PatchbayError('config_invalid', `The environment variable ${name} is not set.`, { context: { field: name } })
  }
}

const ConnectorSettings = z.object({
  SUPABASE_URL: setting('(or CONNECTOR_SUPABASE_URL) must be the project URL, such as https://abcd.supabase.co.', (text) =>
    isHttp(text) ? new URL(text).origin : undefined,
  ),
  CONNECTOR_DATABASE_URL: setting(
    '(or SUPABASE_DB_URL) must be a connection string, postgresql://…; in its password, write # / ? [ ] and % as %23 %2F %3F %5B %5D and %25.',
    (text) => (isDatabaseUrl(text) ? text : undefined),
  ),
  SUPABASE_PUBLISHABLE_KEYS: setting(
    '(or SUPABASE_ANON_KEY, or CONNECTOR_SUPABASE_ANON_KEY) must hold the project\'s publishable key, as {"default": "sb_publishable_…"}.',
    (text) => text,
  ),
  CONNECTOR_REDIRECT_URLS: setting(
    '(or FRONTEND_URL) must list, with commas, the pages of the app that users may return to: https URLs, or http on localhost.',
    readRedirectUrls,
  ),
  CONNECTOR_TOKEN_KEYS: setting(
    'must be <key id>:<32 random bytes as base64url>, the one that encrypts first, older ones after it with commas.' +
      ` Make one with: node -e "console.log('k1:' + require('crypto').randomBytes(32).toString('base64url'))".`,
    readTokenKeys,
  ),
  CONNECTOR_WORKER_SECRET: setting(
    'must be at least 32 random characters, the same as the Vault secret patchbay_worker_secret. Make one with: openssl rand -hex 32.',
    (text) => (text.length >= 32 ? text : undefined),
  ),
  CONNECTOR_SANDBOX_URL: setting(
    'must be the http address of a sandbox on this machine, such as http://127.0.0.1:54400.',
    (text) => (isLoopbackHttp(text) ? text.replace(/\/+$/, '') : undefined),
  ).optional(),
  CONNECTOR_WEBHOOKS: setting('must be on or off.', (text) =>
    /^(on|off)$/i.test(text) ? text.toLowerCase() === 'on' : undefined,
  ).default(true),
  CONNECTOR_ENVIRONMENT: setting('must be one word, such as production or development.', (text) =>
    /^\w[\w-]{0,31}$/.test(text) ? text.toLowerCase() : undefined,
  ).default('development'),
  CONNECTOR_LOG_LEVEL: setting(`must be one of ${logLevels.join(', ')}.`, readLogLevel).default('info'),
  CONNECTOR_MAX_CONCURRENT_SYNCS: setting('must be a whole number from 1 to 1000.', (text) =>
    /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 1000 ? Number(text) : undefined,
  ).default(10),
  CONNECTOR_PORT: setting('must be a port, from 1 to 65535, or 0 for any that is free.', (text) =>
    /^\d+$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined,
  ).default(8080),
})

const Settings = ConnectorSettings.superRefine(
  ({ CONNECTOR_ENVIRONMENT: environment, CONNECTOR_SANDBOX_URL: sandbox }, context) => {
    if (environment !== 'production' || sandbox === undefined) return
    context.addIssue({
      code: 'custom',
      path: ['CONNECTOR_SANDBOX_URL'],
      message: 'must not be set where CONNECTOR_ENVIRONMENT is production: every provider would be simulated.',
    })
  },
)

type Settings = z.output<typeof Settings>

/** A variable that `read` turns into a value; undefined means that it is wrong, and `remedy` says what it must be. */
function setting<T>(remedy: string, read: (text: string) => T | undefined) {
  return z.string({ error: remedy }).transform((text, context): T => {
    const value = read(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: remedy })
    return z.NEVER
  })
}

/** Levels as other programs write them, too: INFO, WARNING, CRITICAL. */
function readLogLevel(text: string): LogLevel | undefined {
  const word = text.toLowerCase()
  if (word === 'warning') return 'warn'
  if (word === 'critical') return 'error'
  return logLevels.find((level) => level === word)
}

function readRedirectUrls(text: string): [string, ...string[]] | undefined {
  const urls = text.split(',').map((part) => part.trim())
  if (!urls.every((url) => isHttp(url) && (url.startsWith('https:') || isLoopbackHttp(url)))) return undefined
  const [first, ...rest] = urls.map((url) => new URL(url).href)
  return first === undefined ? undefined : [first, ...rest]
}

function readTokenKeys(text: string): [TokenKey, ...TokenKey[]] | undefined {
  const keys: TokenKey[] = []
  for (const part of text.split(',')) {
    const [, id, encoded] = /^([\w-]{1,64}):([\w-]{43})=?$/.exec(part.trim()) ?? []
    if (id === undefined || encoded === undefined || keys.some((key) => key.id === id)) return undefined
    const binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'))
    keys.push({ id, key: Uint8Array.from(binary, (character) => character.charCodeAt(0)) })
  }
  const [first, ...rest] = keys
  return first === undefined ? undefined : [first, ...rest]
}

/** The entry `default` of the platform's `{"<name>": "<key>"}`. */
function defaultKey(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    return z.object({ default: z.string().min(1) }).parse(JSON.parse(text)).default
  } catch {
    return undefined
  }
}

/** A password with a # or a / that is not encoded ends the address before the @. */
function isDatabaseUrl(text: string): boolean {
  if (!/^postgres(ql)?:\/\/./.test(text) || !URL.canParse(text)) return false
  const { username, password, pathname, search, hash } = new URL(text)
  return isDecodable(username) && isDecodable(password) && !`${pathname}${search}${hash}`.includes('@')
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function isHttp(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

function isLoopbackHttp(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}
