import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { appUrl } from '../../src/local/demo/connect.ts'
import { type Narrator, runDemo } from '../../src/local/demo/demo.ts'
import { openSql } from '../../src/local/connection.ts'
import { sandboxEnv } from '../../src/local/sandbox-env.ts'
import { startSandbox } from '../../src/sandbox/server.ts'
import { startTestPlatform } from '../support/database.ts'
import { until } from '../support/until.ts'

const silent: Narrator = { step: () => {}, progress: () => {}, done: () => {} }

it.each(['deno', 'deno-2.1.4'] as const)(
  'promise 4: runs anywhere the platform does: connects a Drive and a project, keeps the files of both in Postgres, with the functions under %s',
  async (denoVersion) => {
    await using root = await folderWithFiles(30)
    await using sandbox = await startSandbox({ root: root.path, extras: true })
    await using platform = await startTestPlatform({
      sandboxUrl: sandbox.url,
      denoVersion,
      functionEnv: {
        ...sandboxEnv(sandbox.url),
        CONNECTOR_REDIRECT_URLS: appUrl,
        CONNECTOR_TOKEN_KEYS: `test:${randomBytes(32).toString('base64url')}`,
      },
    })

    const result = await runDemo(platform, sandbox.url, silent)

    expect(result.wrong).toEqual([])
    // The folder's, twice; the extras' and the scratch folders'.
    expect(result.first.files).toBeGreaterThan(72)
    expect(result.second).toMatchObject({ files: 0, runs: [], tokens: [] })
  },
)

it('goes on from the last start, whatever was done to its endpoints and beside them', async () => {
  await using root = await folderWithFiles(5)
  await using sandbox = await startSandbox({ root: root.path, extras: true })
  await using platform = await startTestPlatform({
    sandboxUrl: sandbox.url,
    functionEnv: {
      ...sandboxEnv(sandbox.url),
      CONNECTOR_REDIRECT_URLS: appUrl,
      CONNECTOR_TOKEN_KEYS: `test:${randomBytes(32).toString('base64url')}`,
    },
  })
  await runDemo(platform, sandbox.url, silent)

  const sql = openSql(platform.dbUrl)
  await sql`update public.endpoints set enabled = false where endpoint_type = 'google_drive'`
  const [own] = await sql<[{ id: string }]>`
    insert into public.endpoints (name, endpoint_type, project_id, user_id, integration_id)
    select 'Mine', endpoint_type, 'mine', user_id, integration_id from public.endpoints where endpoint_type = 'google_drive'
    returning id`
  await until(async () => (await sql`select from public.files where endpoint_id = ${own.id}::uuid`).length > 0)
  await sql.end()

  const result = await runDemo(platform, sandbox.url, silent)
  expect(result.wrong).toEqual([])
  expect(new Set(result.first.tokens.map(({ name }) => name))).toEqual(new Set(['Project 0001', 'Project 0002', 'Mine']))
  expect(result.first.runs).toContainEqual(expect.objectContaining({ endpoint: 'Project 0002' }))
})

async function folderWithFiles(count: number): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'patchbay-files-'))
  for (let n = 0; n < count; n += 1) await writeFile(join(path, `file ${n}.txt`), `${n}`)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
