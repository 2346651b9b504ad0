import { execFile, type ExecFileException } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ownProjectDir } from '../../src/local/services.ts'

// In a copy of the repository: what the command makes has to hold there, with what is there already.

const run = promisify(execFile)
const id = 'acme-files'
let copy: string

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'patchbay-new-provider-'))
  await copyRepository(copy)
})
afterAll(() => rm(copy, { recursive: true, force: true }))

it.each([
  [['Acme'], 'is no id'],
  [['acme--files'], 'is no id'],
  [['../acme'], 'is no id'],
  [['new'], 'is no id'],
  [['acme', '--name', "A'; process.exit() //"], 'is no name'],
  [['google-drive'], 'There is a provider google-drive already'],
])('refuses %j, and changes nothing', async (args, says) => {
  const before = await changes()
  await expect(inCopy('scripts/new-provider.ts', ...args)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining(says),
  })
  expect(await changes()).toEqual(before)
})

it('begins a provider that passes everything, and touches no existing file but the registry', async () => {
  expect(await inCopy('scripts/new-provider.ts', id, '--name', 'Acme Files')).toContain(`npm test -- test/suites -t ${id}`)
  expect(await changes()).toEqual([
    ' M src/shared/providers/registry.generated.ts',
    `?? docs/providers/${id}.md`,
    `?? src/sandbox/${id}/sandbox.ts`,
    `?? src/shared/providers/${id}/answers.ts`,
    `?? src/shared/providers/${id}/definition.ts`,
  ])
  expect(await readFile(join(copy, `src/shared/providers/${id}/definition.ts`), 'utf8')).toContain("name: 'Acme Files'")

  const made = ['src/shared/providers/registry.generated.ts', `src/sandbox/${id}`, `src/shared/providers/${id}`]
  await inCopy(bin('oxfmt'), '--check', ...made)
  await inCopy(bin('oxlint'), ...made)
  await inCopy(bin('tsc'), '--noEmit', '-p', 'tsconfig.json')
  await inCopy(bin('tsc'), '--noEmit', '-p', 'src/shared/tsconfig.json')
  const report = await inCopy(
    'node_modules/vitest/vitest.mjs',
    'run',
    'test/suites/providers.test.ts',
    'test/repository.test.ts',
    '-t',
    `^${id} |promise 7`,
  )
  // Its own column comes first, and is full of it.
  expect(report.match(/ {2}ok( {2}|$)/gm)?.length).toBeGreaterThan(30)
  expect(report).toMatch(/^\d+ passed, 0 failed, \d+ skipped$/m)
}, 180_000)

function bin(name: string): string {
  return `node_modules/.bin/${name}`
}

/** Runs a script of the copy; rejects with its `code` and `stderr`. */
async function inCopy(script: string, ...args: string[]): Promise<string> {
  const options = { cwd: copy, maxBuffer: 2 ** 26, env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' } }
  const { stdout } = await run(process.execPath, [script, ...args], options).catch((error: ExecFileException) => {
    throw Object.assign(new Error(`${script}: ${error.stdout}\n${error.stderr}`), { code: error.code, stderr: error.stderr })
  })
  return stdout
}

async function changes(): Promise<string[]> {
  const { stdout } = await run('git', ['status', '--porcelain', '--untracked-files=all'], { cwd: copy })
  return stdout.split('\n').filter((line) => line !== '')
}

/** The files as they are now, committed; with the packages and the prepared database of the original. */
async function copyRepository(target: string): Promise<void> {
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: ownProjectDir })
  const files = stdout.split('\0').filter((file) => file !== '')
  // One that was deleted and is still known to git is not there.
  await Promise.all(files.map((file) => cp(join(ownProjectDir, file), join(target, file)).catch(ignoreMissing)))
  for (const folder of ['node_modules', '.local']) await symlink(join(ownProjectDir, folder), join(target, folder))
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', ...args], { cwd: target })
  await git('init', '--quiet')
  await git('add', '--all')
  await git('commit', '--quiet', '--message', 'Copy')
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
