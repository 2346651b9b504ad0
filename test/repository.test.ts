import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parse } from 'smol-toml'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkVersions } from '../scripts/check-versions.ts'
import { missingOptionalPackages } from '../scripts/complete-lockfile.ts'
import { checkRegistry } from '../scripts/generate-registry.ts'
import type { ProviderDefinition } from '../src/shared/providers/define.ts'
import { providers } from '../src/shared/providers/registry.ts'
import { createTestDatabase, type TestDatabase } from './support/database.ts'
import { schemaRules } from './support/repository/schema-rules.ts'

// The rules that no lint and no type holds. A failure names the rule; CONTRIBUTING.md says why it is one.

const root = join(import.meta.dirname, '..')

describe('the schema', () => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await createTestDatabase()
  })
  afterAll(() => db[Symbol.asyncDispose]())

  const names = (rows: readonly object[]) => rows.map((row) => String(Object.values(row)[0]))

  it.each(schemaRules)('$rule', async ({ rule, offenders, broken }) => {
    expect(names(await db.sql.unsafe(offenders)), rule).toEqual([])

    // A rule that cannot fail holds nothing.
    const found = await inRolledBack(db, async (sql) => {
      await sql.unsafe(broken)
      return names(await sql.unsafe(offenders))
    })
    expect(found, `After "${broken}", the rule found nothing: it cannot fail.`).not.toEqual([])
  })
})

describe('promise 7: a provider is data: the providers', () => {
  it('are declared in code as in patchbay.endpoint_types', async () => {
    await using db = await createTestDatabase()
    const rows = await db.sql`select endpoint_type, provider, has_webhooks from patchbay.endpoint_types order by endpoint_type`
    const declared = providers.flatMap(({ id, streams }: ProviderDefinition) =>
      Object.entries(streams).map(([type, { webhooks }]) => ({
        endpoint_type: type,
        provider: id,
        has_webhooks: webhooks !== undefined,
      })),
    )

    expect([...rows]).toEqual(declared.toSorted((a, b) => a.endpoint_type.localeCompare(b.endpoint_type)))
  })

  it('have a folder each, and a page that names all their environment variables', () => {
    const folders = readdirSync(join(root, 'src/shared/providers'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    )
    const ids = providers.map(({ id }) => id).toSorted()

    expect(folders.map(({ name }) => name).toSorted()).toEqual(ids)
    const unnamed = providers.flatMap((provider) => {
      const page = `docs/providers/${provider.id}.md`
      const text = existsSync(join(root, page)) ? read(page) : ''
      return variablesOf(provider).flatMap((name) => (text.includes(name) ? [] : [`${page} does not name ${name}`]))
    })
    expect(unnamed).toEqual([])
  })

  it('are in the registry, which a command writes', () => {
    expect(checkRegistry()).toBeUndefined()
  })

  it('need not be long: the smallest definition has 60 lines at most', () => {
    const lines = providers.map(({ id }) => read(`src/shared/providers/${id}/definition.ts`).trimEnd().split('\n').length)
    expect(Math.min(...lines)).toBeLessThanOrEqual(60)
  })

  it('are named nowhere but in their own folders, in what is written of them, and in the functions that a seed named', () => {
    expect(mentions(vendorWords(), checkedFiles())).toEqual([])
    // A rule that cannot fail holds nothing.
    expect(mentions(vendorWords(), ['src/shared/providers/google-drive/definition.ts'])).not.toEqual([])
  })
})

describe('the Edge Functions', () => {
  const functions = readdirSync(join(root, 'supabase/functions'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('_'))
    .map((entry) => entry.name)
  const config = parse(read('supabase/config.toml')) as {
    functions?: Record<string, { verify_jwt?: boolean; import_map?: string }>
  }

  it('are the functions in supabase/config.toml, and no others', () => {
    expect(functions.toSorted()).toEqual(Object.keys(config.functions ?? {}).toSorted())
  })

  it.each(functions)('%s takes its packages from supabase/functions/deno.json', (name) => {
    expect(config.functions?.[name]?.import_map, `[functions.${name}] import_map`).toBe('./functions/deno.json')
  })

  it.each(functions)('%s has a verify_jwt that agrees with its auth', (name) => {
    const auth = read(`supabase/functions/${name}/index.ts`).match(/\bauth:\s*'(\w+)'/)?.[1]
    expect(['none', 'secret', 'user'], `supabase/functions/${name}/index.ts says how it authenticates: auth: 'user'`).toContain(
      auth,
    )
    const verifyJwt = config.functions?.[name]?.verify_jwt
    expect(verifyJwt, `[functions.${name}] states verify_jwt: what is left out keeps the value of an earlier deploy`).toBeTypeOf(
      'boolean',
    )
    // The platform's check would refuse a provider's browser and pg_net, which have no JWT. For users it may be on or off: it lets API
    // keys pass, so the function authenticates the user itself either way.
    expect(
      auth === 'user' || verifyJwt === false,
      `${name} has auth: '${auth}', so its callers have no JWT: verify_jwt = false`,
    ).toBe(true)
  })

  it('import the packages in supabase/functions/deno.json, and it names no others', () => {
    const code = ['src/shared', 'supabase/functions'].flatMap(sourceFiles).map(read).join('\n')
    const packages = [...code.matchAll(/\bfrom '((?:@[\w-]+\/)?[\w-]+)(?:\/[^']*)?'/g)].map(([, name]) => name ?? '')
    const { imports } = JSON.parse(read('supabase/functions/deno.json')) as { imports: Record<string, string> }

    expect(Object.keys(imports).toSorted()).toEqual([...new Set(packages)].toSorted())
  })

  it('use the versions that package.json pins', () => {
    expect(checkVersions()).toBeUndefined()
  })
})

describe('the promises', () => {
  // The brief's words; CONTRIBUTING.md says how each test is made to fail.
  it.each([
    'promise 1: exactly one refresh',
    'promise 2: nothing lost, nothing invented',
    'promise 3: cost follows change, not size',
    'promise 4: runs anywhere the platform does',
    "promise 5: a user sees their rows, and no one else's",
    'promise 6: tokens are ciphertext to the database',
    'promise 7: a provider is data',
    'promise 8: what the seeds show, works as written',
  ])('%s: has a test of that name', (promise) => {
    const own = import.meta.filename
    const named = globSync('test/**/*.test.ts', { cwd: root }).filter((file) => {
      const path = join(root, file)
      // Its own name is in this list too.
      const texts = readFileSync(path, 'utf8').split(promise).length - 1
      return texts > (path === own ? 1 : 0)
    })

    expect(named).not.toEqual([])
  })
})

describe('the documents', () => {
  const ofProviders = providers.flatMap(variablesOf)
  const shipped = ['src/shared', 'src/worker', 'supabase/functions']
    .flatMap(sourceFiles)
    .filter((path) => !/^src\/shared\/providers\/[^/]+\//.test(path))
  // Those of providers are on their pages. Named in code as a text of its own, whoever reads it: get('CONNECTOR_LOG_LEVEL').
  const variables = new Set(
    shipped.flatMap((path) => [...read(path).matchAll(/'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g)].map(([, name]) => name ?? '')),
  )

  it('say what each environment variable is for', () => {
    const readme = read('README.md')
    expect(
      [...variables].filter((name) => !readme.includes(name)),
      'README.md names every variable that the code reads',
    ).toEqual([])
  })

  it('have an example of each environment variable that an operator sets', () => {
    const example = read('.env.example')
    const ours = [...variables].filter((name) => !name.startsWith('SUPABASE_'))
    expect(
      ours.filter((name) => !example.includes(name)),
      '.env.example',
    ).toEqual([])
  })

  it('name no environment variable that nothing reads', () => {
    const named = read('.env.example').match(/^#? ?([A-Z][A-Z0-9_]+)=/gm) ?? []
    const unread = named
      .map((line) => line.replace(/[#= ]/g, ''))
      .filter((name) => !variables.has(name) && !ofProviders.includes(name))
    expect(unread, '.env.example').toEqual([])
  })
})

describe('the migrations', () => {
  const files = readdirSync(join(root, 'supabase/migrations'))

  it('are named <UTC timestamp>_<verb>_<object>.sql', () => {
    expect(files.filter((file) => !/^\d{14}_[a-z]+(_[a-z0-9]+)+\.sql$/.test(file))).toEqual([])
  })

  it('have timestamps of their own', () => {
    const versions = files.map((file) => file.slice(0, 14))
    expect(new Set(versions).size).toBe(versions.length)
  })
})

describe('the lockfile', () => {
  it('names no registry, so that it works with any', () => {
    expect(read('package-lock.json').match(/"resolved": "https?:.*/)?.[0]).toBeUndefined()
  })

  it('has the binaries of every platform, without which npm ci refuses it', () => {
    const missing = missingOptionalPackages(
      JSON.parse(read('package-lock.json')) as Parameters<typeof missingOptionalPackages>[0],
    )
    expect(missing, 'node scripts/complete-lockfile.ts adds them').toEqual([])
  })

  it('pins every package that package.json names', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^(npm:.+@)?\d[\w.-]*$/.test(version),
    )
    expect(loose, 'package.json: write exact versions').toEqual([])
  })
})

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path))
}

/** The environment variables that a definition reads. */
function variablesOf({ auth, variables = {} }: ProviderDefinition): string[] {
  // The Node worker takes a service account's key as a file, too.
  const key = auth.serviceAccount === undefined ? [] : [auth.serviceAccount.env, `${auth.serviceAccount.env}_PATH`]
  return [...Object.values(auth.env), ...key, ...Object.keys(variables)]
}

/** What says which provider is meant: the first word of each id and name, which is the company's, and what else is known of them. */
function vendorWords(): RegExp {
  const companies = providers.flatMap(({ id, name }) => [id.split('-')[0] ?? id, name.toLowerCase().split(' ')[0] ?? name])
  const words = [...new Set([...companies, 'gmail', 'microsoft'])].map((word) => RegExp.escape(word))
  // Within a name too, such as `googleDrive`, `OUTLOOK_KEY` or `slack_team`; and the product that is a word with a capital only.
  return new RegExp(`${words.join('|')}|(?-i:\\bDrive\\b)`, 'i')
}

/** All that ships or makes what ships, without what may name a provider. */
function checkedFiles(): string[] {
  const allowed = [
    /^src\/shared\/providers\/([^/]+\/|registry\.generated\.ts$)/,
    /^src\/sandbox\/[^/]+\/(?<!oauth\/)/,
    // The six functions of the Procore seed, by their names.
    /^src\/client\/procore-actions\.ts$/,
    // Tests.
    /^supabase\/tests\//,
    // Landed: it says whose endpoint types there are, as the seed's SQL has them.
    /^supabase\/migrations\/20261121000400_create_endpoints\.sql$/,
    // What a provider adds to the tables of kinds.
    new RegExp(`^supabase/migrations/\\d{14}_add_(${providers.map(({ id }) => id.replaceAll('-', '_')).join('|')})\\.sql$`),
  ]
  return globSync(['src/**/*', 'supabase/**/*.{ts,sql,toml,json}', 'scripts/**/*'], { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !allowed.some((pattern) => pattern.test(path)))
}

/** `<path>:<line>` of each line that says such a word. */
function mentions(words: RegExp, paths: readonly string[]): string[] {
  return paths.flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) => {
        // The client passes the seed's functions on.
        const rest = path.startsWith('src/client/') ? line.replaceAll(/procore-?actions/gi, '') : line
        return words.test(rest) ? [`${path}:${index + 1}: ${line.trim()}`] : []
      }),
  )
}

class RollBack extends Error {}

/** Does something in a transaction that is taken back whatever happens. */
async function inRolledBack<T>(db: TestDatabase, work: (sql: TestDatabase['sql']) => Promise<T>): Promise<T> {
  let result: { value: T } | undefined
  await db.sql
    .begin(async (sql) => {
      result = { value: await work(sql as unknown as TestDatabase['sql']) }
      throw new RollBack()
    })
    .catch((error: unknown) => {
      if (!(error instanceof RollBack)) throw error
    })
  if (result === undefined) throw new Error('The transaction ended before its work did.')
  return result.value
}
