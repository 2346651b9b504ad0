import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/shared/config.ts'
import { completeEnv, tokenKey } from './support.ts'

describe('readConfig', () => {
  it('takes what the platform provides, and what the operator sets before it', () => {
    const env = completeEnv()
    const config = readConfig(env)
    expect(config.functionsUrl).toBe('https://abcd.supabase.co/functions/v1')
    expect(config.publishableKey).toBe('sb_publishable_1')
    expect(config.redirectUrls).toEqual(['https://app.example/'])
    expect(config.databaseUrl).toBe(env['SUPABASE_DB_URL'])
    expect(config.logLevel).toBe('info')
    expect(config.maxConcurrentSyncs).toBe(10)

    const own = readConfig({
      ...env,
      CONNECTOR_SUPABASE_URL: 'http://127.0.0.1:54321/',
      CONNECTOR_DATABASE_URL: 'postgres://pooler:6543/postgres',
      CONNECTOR_SUPABASE_ANON_KEY: 'anon',
      CONNECTOR_REDIRECT_URLS: 'http://localhost:3000/integrations, https://app.example',
      CONNECTOR_LOG_LEVEL: 'DEBUG',
      CONNECTOR_MAX_CONCURRENT_SYNCS: '3',
      CONNECTOR_SANDBOX_URL: 'http://127.0.0.1:54400/',
    })
    expect(own.supabaseUrl).toBe('http://127.0.0.1:54321')
    expect(own.databaseUrl).toBe('postgres://pooler:6543/postgres')
    expect(own.publishableKey).toBe('anon')
    expect(own.redirectUrls).toEqual(['http://localhost:3000/integrations', 'https://app.example/'])
    expect(own.logLevel).toBe('debug')
    expect(own.maxConcurrentSyncs).toBe(3)
    expect(own.sandboxUrl).toBe('http://127.0.0.1:54400')
  })

  it('asks for webhooks where they can arrive, unless the operator has turned them off', () => {
    const sandbox = { CONNECTOR_SANDBOX_URL: 'http://127.0.0.1:54400' }
    const local = { SUPABASE_URL: 'http://127.0.0.1:54321' }
    const webhooks = (env: Record<string, string>) => readConfig({ ...completeEnv(), ...env }).webhooks
    expect(webhooks({})).toBe(true)
    expect(webhooks({ CONNECTOR_WEBHOOKS: 'on', ...sandbox })).toBe(true)
    expect(webhooks({ ...local, ...sandbox })).toBe(true)
    expect(webhooks(local)).toBe(false)
    expect(webhooks({ SUPABASE_URL: 'http://kong:8000', ...sandbox })).toBe(false)
    expect(webhooks({ CONNECTOR_WEBHOOKS: 'OFF' })).toBe(false)
    expect(() => webhooks({ CONNECTOR_WEBHOOKS: 'no' })).toThrow('- CONNECTOR_WEBHOOKS must be on or off.')
  })

  it('lists every variable that is missing or wrong, and no value', () => {
    const env = {
      SUPABASE_URL: 'not a URL',
      SUPABASE_DB_URL: 'mysql://user:hunter2@db/x',
      FRONTEND_URL: 'http://app.example',
      CONNECTOR_TOKEN_KEYS: 'k1:c2hvcnQ',
      CONNECTOR_WORKER_SECRET: 'too short',
      CONNECTOR_SANDBOX_URL: 'https://sandbox.example',
      CONNECTOR_LOG_LEVEL: 'loud',
      CONNECTOR_MAX_CONCURRENT_SYNCS: '0',
      CONNECTOR_PORT: '65536',
      CONNECTOR_ENVIRONMENT: 'our production',
    }
    const error: unknown = thrownBy(() => readConfig(env))
    expect(error).toMatchObject({ code: 'config_invalid' })
    const message = inspect(error)
    for (const name of [
      'SUPABASE_URL',
      'CONNECTOR_DATABASE_URL',
      'SUPABASE_PUBLISHABLE_KEYS',
      'CONNECTOR_REDIRECT_URLS',
      'CONNECTOR_TOKEN_KEYS',
      'CONNECTOR_WORKER_SECRET',
      'CONNECTOR_SANDBOX_URL',
      'CONNECTOR_LOG_LEVEL',
      'CONNECTOR_MAX_CONCURRENT_SYNCS',
      'CONNECTOR_PORT',
      'CONNECTOR_ENVIRONMENT',
    ]) {
      expect(message).toContain(`- ${name} `)
    }
    for (const value of ['not a URL', 'hunter2', 'http://app.example', 'c2hvcnQ', 'too short', 'sandbox.example', 'loud']) {
      expect(message).not.toContain(value)
    }
  })

  it.each([
    ['two keys of one name', `${tokenKey('k1')},${tokenKey('k1')}`],
    ['a key of 31 bytes', `k1:${Buffer.alloc(31).toString('base64url')}`],
    ['a key without a name', `:${Buffer.alloc(32).toString('base64url')}`],
    ['ordinary base64', `k1:${Buffer.alloc(32, 0xff).toString('base64')}`],
  ])('refuses %s', (_what, keys) => {
    expect(() => readConfig({ ...completeEnv(), CONNECTOR_TOKEN_KEYS: keys })).toThrow(/- CONNECTOR_TOKEN_KEYS /)
  })

  it.each(['p#ss', '1/ss', '12#ss', '1?ss', 'p[s/s', 'p%ss'])(
    'refuses the database password %j as it is, and does not repeat it',
    (password) => {
      const url = (text: string) => `postgresql://postgres.abcd:${text}@pooler.example:6543/postgres`
      const error = thrownBy(() => readConfig({ ...completeEnv(), CONNECTOR_DATABASE_URL: url(password) }))
      expect(error).toMatchObject({ code: 'config_invalid' })
      expect(inspect(error)).toContain('- CONNECTOR_DATABASE_URL (or SUPABASE_DB_URL) must be a connection string')
      expect(inspect(error)).not.toContain(password)
      const encoded = url(encodeURIComponent(password))
      expect(readConfig({ ...completeEnv(), CONNECTOR_DATABASE_URL: encoded }).databaseUrl).toBe(encoded)
    },
  )

  it.each(['http://10.0.0.7:54400', 'http://127.0.0.1.evil.example', 'http://localhost.evil.example:54400', 'https://127.0.0.1'])(
    'takes no sandbox at %s',
    (url) => {
      expect(() => readConfig({ ...completeEnv(), CONNECTOR_SANDBOX_URL: url })).toThrow(/- CONNECTOR_SANDBOX_URL /)
    },
  )

  it.each([
    ['INFO', 'info'],
    ['WARNING', 'warn'],
    ['Critical', 'error'],
    ['warn', 'warn'],
  ])('takes the log level %s as %s', (word, level) => {
    expect(readConfig({ ...completeEnv(), CONNECTOR_LOG_LEVEL: word }).logLevel).toBe(level)
  })

  it('listens on 8080 and is for development, unless it is told otherwise', () => {
    const { CONNECTOR_PORT: _, ...env } = completeEnv()
    expect(readConfig(env)).toMatchObject({ port: 8080, environment: 'development' })
    const told = { ...env, CONNECTOR_PORT: '9090', CONNECTOR_ENVIRONMENT: 'Production' }
    expect(readConfig(told)).toMatchObject({ port: 9090, environment: 'production' })
  })

  it('refuses a sandbox in production', () => {
    const env = { ...completeEnv(), CONNECTOR_SANDBOX_URL: 'http://127.0.0.1:54400' }
    expect(readConfig({ ...env, CONNECTOR_ENVIRONMENT: 'staging' }).sandboxUrl).toBe('http://127.0.0.1:54400')
    expect(() => readConfig({ ...env, CONNECTOR_ENVIRONMENT: 'production' })).toThrow(
      /- CONNECTOR_SANDBOX_URL .*CONNECTOR_ENVIRONMENT/,
    )
  })

  it('shows no secret when it is printed, inspected or serialised', () => {
    const env = completeEnv()
    const config = readConfig(env)
    const shown = [inspect(config, { depth: 10, getters: true }), JSON.stringify(config)].join('\n')
    for (const name of ['SUPABASE_DB_URL', 'CONNECTOR_WORKER_SECRET', 'CONNECTOR_TOKEN_KEYS', 'TEST_CLIENT_SECRET']) {
      expect(shown).not.toContain(env[name])
    }
    expect(shown).not.toContain('secret-password')
    expect(config.secret('TEST_CLIENT_SECRET')).toBe('test-client-secret')
  })

  it('names the variable that is not set, and counts an empty one as not set', () => {
    const config = readConfig({ ...completeEnv(), GOOGLE_CLIENT_ID: '' })
    expect(config.optional('GOOGLE_CLIENT_ID')).toBeUndefined()
    expect(() => config.secret('GOOGLE_CLIENT_ID')).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('GOOGLE_CLIENT_ID') }),
    )
  })
})

function thrownBy(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}
