import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { addUser, connectAccount } from '../db/rows.ts'
import { createTestDatabase } from '../support/database.ts'
import { covered } from './covered.ts'
import { type Typed, commands, inlineCommands, root, sqlBlocks } from './documents.ts'
import { notRunnable } from './not-runnable.ts'
import { runnable, scratchFolder, supabase } from './runnable.ts'

// What the documents say to type: run here, run by a test of its own, or listed with the reason why not.

const typed = commands()
const patterns = [...runnable, ...covered, ...notRunnable].map(({ command }) => command)
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

describe('a command of the documents', () => {
  it('is run, or covered, or listed, and one of the three', () => {
    const wrong = typed.filter(({ text }) => waysOf(text) !== 1)
    expect(wrong.map(at), 'test/docs: runnable.ts, covered.ts or not-runnable.ts').toEqual([])
    expect(waysOf('rm -rf everything')).toBe(0)
  })

  it('is still there: what the tables have, some document says', () => {
    expect(patterns.filter((pattern) => !typed.some(({ text }) => pattern.test(text)))).toEqual([])
  })

  it.each(covered)('$command is covered by $test', ({ test, named }) => {
    expect(existsSync(join(root, test)), test).toBe(true)
    expect(readFileSync(join(root, test), 'utf8').includes(named), `${test} has a test "${named}"`).toBe(true)
  })

  const examples = runnable.map((way) => ({ ...way, text: typed.find(({ text }) => way.command.test(text))?.text ?? '' }))
  it.each(examples)('$text does what is said', { timeout: 60_000 }, async ({ run, text }) => {
    await expect(run(text)).resolves.toBeUndefined()
  })
})

describe('what the documents say of npm scripts', () => {
  const named = [...typed, ...inlineCommands()].filter(({ text }) => text.startsWith('npm '))

  it('names scripts that there are', () => {
    const unknown = named.filter(({ text }) => scriptsIn(text).some((name) => !Object.hasOwn(scripts, name)))
    expect(unknown.map(at)).toEqual([])
    expect(scriptsIn('npm run check && npm test -- -t x')).toEqual(['check', 'test'])
  })

  const flagged = unique(named).filter((text) => /^npm (run|start)\b/.test(text) && flagsIn(optionsOf(text)).length > 0)
  it.each(flagged)('%s: has these options', { timeout: 60_000 }, async (text) => {
    const [name = ''] = scriptsIn(text)
    const [, options = ''] = text.split(' -- ')
    const help = await helpOf(name)
    expect(
      flagsIn(options).filter((flag) => !new RegExp(`${RegExp.escape(flag)}\\b`).test(help)),
      help,
    ).toEqual([])
  })
})

describe('what the documents say of the Supabase CLI', () => {
  const options = Map.groupBy(
    unique([...typed, ...inlineCommands()]).filter((text) => /^npx supabase \w/.test(text)),
    (text) => /^npx supabase ((?:[a-z]+ ?)+)/.exec(text)?.[1]?.trim() ?? '',
  )

  it.each([...options])('%s is a command, and has the options of %j', { timeout: 60_000 }, async (command, texts) => {
    await using home = await scratchFolder()
    const { stdout, stderr } = await supabase(home.path, ...command.split(' '), '--help')

    expect(stdout, stderr).toContain('USAGE')
    expect(texts.flatMap(flagsIn).filter((flag) => !stdout.includes(flag))).toEqual([])
  })
})

describe('SQL of the documents', () => {
  it.each(sqlBlocks())('$document:$line runs', async ({ text }) => {
    await using database = await createTestDatabase()
    const userId = await addUser(database.sql)
    await connectAccount(database.sql, userId)

    const filled = text.replaceAll(/your-user-uuid|the-user-id/g, userId).replaceAll(/your-endpoint-uuid/g, crypto.randomUUID())
    // The database goes with its test: nothing has to be rolled back.
    await expect(database.sql.unsafe(filled).simple()).resolves.toBeDefined()
  })
})

/** In how many of the tables a command is. */
function waysOf(text: string): number {
  return patterns.filter((pattern) => pattern.test(text)).length
}

function at({ document, line, text }: Typed): string {
  return `${document}:${line}: ${text}`
}

function unique(found: readonly Typed[]): string[] {
  return [...new Set(found.map(({ text }) => text))]
}

function scriptsIn(text: string): string[] {
  return [...text.matchAll(/npm (?:run ([\w:-]+)|(start|test)\b)/g)].map(([, run, own]) => run ?? own ?? '')
}

/** What an npm script gets. */
function optionsOf(text: string): string {
  return text.split(' -- ')[1] ?? ''
}

function flagsIn(options: string): string[] {
  return [...options.matchAll(/(?<=^|[\s[])--?[a-z][\w-]*/g)].map(([flag]) => flag)
}

const helpTexts = new Map<string, Promise<string>>()

/** What a script prints with `--help`. */
function helpOf(name: string): Promise<string> {
  const [, file] = /^node (?:--\S+ )*(\S+\.ts)$/.exec(scripts[name] ?? '') ?? []
  if (file === undefined) throw new Error(`npm run ${name} is no program with --help: ${scripts[name]}`)
  const found = helpTexts.get(file)
  if (found !== undefined) return found
  const asked = promisify(execFile)(process.execPath, [file, '--help'], { cwd: root }).then(({ stdout }) => stdout)
  helpTexts.set(file, asked)
  return asked
}
