import { describe, expect, it } from 'vitest'
import { claimRun, mergePage, unlistedFolders } from '../../src/shared/db/sync-store.ts'
import { createTestEndpoint, file, folder, page, paths, runPages } from './support.ts'

const root = folder('root', null, { root: true })

describe('a full pass', () => {
  it('inserts, updates what differs and leaves the rest untouched', async () => {
    await using endpoint = await createTestEndpoint()
    const files = [file('a', 'root'), file('b', 'root'), file('c', 'root')]
    await runPages(endpoint, [page({ first: true, folders: [root], files, more: false })])
    const before = await versions(endpoint)

    const changed = [file('a', 'root'), file('b', 'root', { size: 2 }), file('c', 'root'), file('d', 'root')]
    const [result] = await runPages(endpoint, [page({ first: true, folders: [root], files: changed, more: false })])

    expect(result).toMatchObject({ inserted: 1n, updated: 1n, unchanged: 2n, deleted: 0n })
    const after = await versions(endpoint)
    expect([after['a'], after['c']]).toEqual([before['a'], before['c']])
    expect(after['b']).not.toEqual(before['b'])
  })

  it('reads metadata as equal whatever the order of its keys', async () => {
    await using endpoint = await createTestEndpoint()
    await runPages(endpoint, [
      page({ first: true, folders: [root], files: [file('a', 'root', { metadata: { x: 1, y: [2] } })], more: false }),
    ])
    const [result] = await runPages(endpoint, [
      page({ first: true, folders: [root], files: [file('a', 'root', { metadata: { y: [2], x: 1 } })], more: false }),
    ])
    expect(result).toMatchObject({ unchanged: 1n, updated: 0n })
  })

  it('deletes what it did not see, only after its last page, also when it spans several runs', async () => {
    await using endpoint = await createTestEndpoint()
    await runPages(endpoint, [
      page({ first: true, folders: [root], files: ['a', 'b', 'c'].map((id) => file(id, 'root')), more: false }),
    ])

    await runPages(endpoint, [page({ first: true, folders: [root], files: [file('a', 'root')] })])
    expect(Object.keys(await paths(endpoint))).toEqual(['a', 'b', 'c'])
    const [last] = await runPages(endpoint, [page({ files: [file('c', 'root')], more: false })])
    expect(last).toMatchObject({ deleted: 1n })
    expect(Object.keys(await paths(endpoint))).toEqual(['a', 'c'])
  })

  it('stops and asks before it deletes more than the guard allows, and goes on once that is confirmed', async () => {
    await using endpoint = await createTestEndpoint()
    const files = Array.from({ length: 202 }, (_, n) => file(`f${n}`, 'root'))
    await runPages(endpoint, [page({ first: true, folders: [root], files, more: false })])
    const lastPage = page({ first: true, folders: [root], files: files.slice(0, 100), more: false })

    const [stopped] = await runPages(endpoint, [lastPage])
    expect(stopped).toMatchObject({ deleted: 0n, stopped_at: 102n, proceed: false })
    expect(Object.keys(await paths(endpoint))).toHaveLength(202)
    expect((await claimRun(endpoint.sql, endpoint.endpointId))?.cursor).toBeNull()

    await endpoint.sql`update public.endpoints set deletions_confirmed_at = now()`
    const [confirmed] = await runPages(endpoint, [lastPage])
    expect(confirmed).toMatchObject({ deleted: 102n, stopped_at: null })
    const [row] = await endpoint.sql`select deletions_confirmed_at from public.endpoints`
    expect(row?.['deletions_confirmed_at']).toBeNull()
  })

  it('deletes half without asking, and any number up to a hundred', async () => {
    await using endpoint = await createTestEndpoint()
    const files = Array.from({ length: 204 }, (_, n) => file(`f${n}`, 'root'))
    await runPages(endpoint, [page({ first: true, folders: [root], files, more: false })])
    const [half] = await runPages(endpoint, [page({ first: true, folders: [root], files: files.slice(0, 100), more: false })])
    expect(half).toMatchObject({ deleted: 0n, stopped_at: 104n })
    await endpoint.sql`update public.endpoints set delete_guard_percent = 51`
    const [allowed] = await runPages(endpoint, [page({ first: true, folders: [root], files: files.slice(0, 100), more: false })])
    expect(allowed).toMatchObject({ deleted: 104n })
    const [few] = await runPages(endpoint, [page({ first: true, folders: [root], files: [], more: false })])
    expect(few).toMatchObject({ deleted: 100n, stopped_at: null })
  })
})

describe('paths', () => {
  it('come from the folders, whatever order these arrive in', async () => {
    await using endpoint = await createTestEndpoint()
    await runPages(endpoint, [
      page({ first: true, folders: [folder('c', 'b'), root] }),
      page({ folders: [folder('b', 'root'), folder('shared', 'not-visible')], rebuildPaths: true }),
      page({
        files: [file('x', 'c'), file('y', 'root'), file('z', 'shared'), file('orphan', null)],
        more: false,
      }),
    ])
    expect(await paths(endpoint)).toEqual({
      x: '/b/c/x.txt',
      y: '/y.txt',
      z: '/Shared with me/shared/z.txt',
      orphan: '/Shared with me/orphan.txt',
    })
  })

  it('follow a folder that is renamed or moved, at any depth', async () => {
    await using endpoint = await createTestEndpoint()
    await runPages(endpoint, [
      page({ first: true, folders: [root, folder('a', 'root'), folder('b', 'a'), folder('c', 'root')], rebuildPaths: true }),
      page({ files: [file('x', 'b'), file('y', 'c'), file('z', 'a')], more: false }),
    ])
    const [result] = await runPages(endpoint, [
      page({ pass: 'changes', folders: [folder('a', 'c', { name: 'renamed' })], rebuildPaths: true, more: false }),
    ])
    expect(await paths(endpoint)).toEqual({ x: '/c/renamed/b/x.txt', y: '/c/y.txt', z: '/c/renamed/z.txt' })
    expect(result).toMatchObject({ updated: 2n, deleted: 0n })
  })

  it('end for two folders that the provider reports inside each other', async () => {
    await using endpoint = await createTestEndpoint()
    await runPages(endpoint, [
      page({ first: true, folders: [root, folder('a', 'b'), folder('b', 'a')], rebuildPaths: true, more: false }),
    ])
    const rows = await endpoint.sql`select external_folder_id from patchbay.folders`
    expect(rows.map((row) => row['external_folder_id'])).toEqual(['root'])
  })
})

describe('the change feed', () => {
  it('deletes what is gone with its last page, and keeps what came back before that', async () => {
    await using endpoint = await createTestEndpoint()
    await runPages(endpoint, [
      page({ first: true, folders: [root], files: ['a', 'b', 'c'].map((id) => file(id, 'root')), more: false }),
    ])
    const results = await runPages(endpoint, [
      page({ pass: 'changes', removed: ['a', 'b', 'never-seen'] }),
      page({ pass: 'changes', files: [file('b', 'root')], more: false }),
    ])
    expect(results.map((result) => result.deleted)).toEqual([0n, 1n])
    expect(Object.keys(await paths(endpoint))).toEqual(['b', 'c'])
  })

  it('takes everything below a folder that is gone', async () => {
    await using endpoint = await createTestEndpoint()
    await runPages(endpoint, [
      page({ first: true, folders: [root, folder('a', 'root'), folder('b', 'a')], rebuildPaths: true }),
      page({ files: [file('x', 'b'), file('y', 'root')], more: false }),
    ])
    await runPages(endpoint, [page({ pass: 'changes', removed: ['a'], rebuildPaths: true, more: false })])
    expect(await paths(endpoint)).toEqual({ y: '/y.txt' })
  })

  it('stops and asks as a full pass does', async () => {
    await using endpoint = await createTestEndpoint()
    const files = Array.from({ length: 150 }, (_, n) => file(`f${n}`, 'a'))
    await runPages(endpoint, [
      page({ first: true, folders: [root, folder('a', 'root')], rebuildPaths: true }),
      page({ files, more: false }),
    ])
    const [stopped] = await runPages(endpoint, [page({ pass: 'changes', removed: ['a'], rebuildPaths: true, more: false })])
    expect(stopped).toMatchObject({ deleted: 0n, stopped_at: 150n })
    expect(Object.keys(await paths(endpoint))).toHaveLength(150)
  })
})

describe('a folder endpoint', () => {
  const tree = { orphanPath: null }

  it('keeps only what is below its root, and lists folders that appear', async () => {
    await using endpoint = await createTestEndpoint()
    await runPages(endpoint, [
      page({ ...tree, first: true, folders: [folder('root', 'outside', { root: true, listed: false })] }),
      page({ ...tree, folders: [folder('a', 'root', { listed: false })], files: [file('x', 'root')], listed: ['root'] }),
      page({ ...tree, files: [file('y', 'a')], listed: ['a'], more: false }),
    ])
    expect(await paths(endpoint)).toEqual({ x: '/x.txt', y: '/a/y.txt' })

    await runPages(endpoint, [
      page({
        ...tree,
        pass: 'changes',
        folders: [folder('new', 'a', { listed: false }), folder('elsewhere', 'outside', { listed: false })],
        files: [file('z', 'outside'), file('x', 'outside')],
        rebuildPaths: true,
        more: false,
      }),
    ])
    expect(await paths(endpoint)).toEqual({ y: '/a/y.txt' })
    expect(await unlistedFolders(endpoint.sql, endpoint.endpointId, 10)).toEqual(['new'])
  })

  it('forgets a folder that is moved out, with all below it', async () => {
    await using endpoint = await createTestEndpoint()
    await runPages(endpoint, [
      page({ ...tree, first: true, folders: [folder('root', null, { root: true, listed: false })] }),
      page({ ...tree, folders: [folder('a', 'root')], listed: ['root'] }),
      page({ ...tree, folders: [folder('b', 'a')], files: [file('x', 'a')] }),
      page({ ...tree, files: [file('y', 'b')], more: false }),
    ])
    await runPages(endpoint, [
      page({ ...tree, pass: 'changes', folders: [folder('a', 'outside', { listed: false })], rebuildPaths: true, more: false }),
    ])
    expect(await paths(endpoint)).toEqual({})
    expect(await unlistedFolders(endpoint.sql, endpoint.endpointId, 10)).toEqual([])
  })
})

describe('the fence', () => {
  it('lets a worker that was taken for dead change nothing', async () => {
    await using endpoint = await createTestEndpoint()
    const dead = await claimRun(endpoint.sql, endpoint.endpointId)
    const alive = await claimRun(endpoint.sql, endpoint.endpointId)
    expect(alive?.run_id).toBe(dead?.run_id)

    const late = mergePage(
      endpoint.sql,
      endpoint.endpointId,
      dead!.fence,
      page({ first: true, folders: [root], files: [file('a', 'root')] }),
    )
    await expect(late.result).rejects.toMatchObject({ code: 'run_superseded' })
    expect(await paths(endpoint)).toEqual({})
    await expect(
      mergePage(
        endpoint.sql,
        endpoint.endpointId,
        alive!.fence,
        page({ first: true, folders: [root], files: [file('a', 'root')] }),
      ).result,
    ).resolves.toMatchObject({ inserted: 1n })
  })

  it('stops a run whose endpoint is changed to cover something else', async () => {
    await using endpoint = await createTestEndpoint()
    const claim = await claimRun(endpoint.sql, endpoint.endpointId)
    await endpoint.sql`update public.endpoints set file_types = '["pdf"]'`
    await expect(mergePage(endpoint.sql, endpoint.endpointId, claim!.fence, page()).result).rejects.toMatchObject({
      code: 'run_superseded',
    })
  })

  it('says when Postgres has the page, before the page is merged', async () => {
    await using endpoint = await createTestEndpoint()
    const claim = await claimRun(endpoint.sql, endpoint.endpointId)
    // Holds the row that the merge needs, so that it cannot end.
    const blocker = await endpoint.sql.reserve()
    await blocker`begin`
    await blocker`select from patchbay.sync_state for update`
    const merge = mergePage(endpoint.sql, endpoint.endpointId, claim!.fence, page({ first: true, folders: [root] }))
    await merge.received
    expect(await endpoint.sql`select from patchbay.folders`).toHaveLength(0)
    await blocker`commit`
    blocker.release()
    await expect(merge.result).resolves.toMatchObject({ proceed: true })
  })
})

it('stores names with NUL and lone surrogates', async () => {
  await using endpoint = await createTestEndpoint()
  const name = 'a\u0000b\uD800c 😀 \u202Ed'
  await runPages(endpoint, [page({ first: true, folders: [root], files: [file('a', 'root', { name })], more: false })])
  expect(await paths(endpoint)).toEqual({ a: '/a\uFFFDb\uFFFDc 😀 \u202Ed' })
})

/** The physical version of each row: an untouched row keeps it. */
async function versions(endpoint: { sql: import('postgres').Sql }): Promise<Record<string, string>> {
  const rows = await endpoint.sql<{ id: string; version: string }[]>`
    select external_file_id as id, concat(xmin, '/', ctid) as version from public.files`
  return Object.fromEntries(rows.map((row) => [row.id, row.version]))
}
