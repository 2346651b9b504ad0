import { expect, it } from 'vitest'
import {
  claimRun,
  finishRun,
  knownFolders,
  mergePage,
  mergeTargets,
  nextTargets,
  type TargetsToMerge,
} from '../../src/shared/db/sync-store.ts'
import { createTestEndpoint, file, folder, page, paths, runPages, type TestEndpoint } from './support.ts'

// Items that webhooks named, merged beside the passes of the schedule.

const root = folder('root', null, { root: true })

it('merges an item, its new folders, and forgets that it was asked for', async () => {
  await using endpoint = await createTestEndpoint()
  await runPages(endpoint, [walked({ first: true, folders: [root], more: false, next: null })])
  await name(endpoint, ['a'])

  await mergeNamed(endpoint, { folders: [folder('outer', 'root'), folder('inner', 'outer')], files: [file('a', 'inner')] })

  expect(await paths(endpoint)).toEqual({ a: '/outer/inner/a.txt' })
  expect(await nextTargets(endpoint.sql, endpoint.endpointId, 10)).toEqual([])
})

it('keeps an item that was named again while it was fetched', async () => {
  await using endpoint = await createTestEndpoint()
  await runPages(endpoint, [walked({ first: true, folders: [root], more: false, next: null })])
  await name(endpoint, ['a'])
  const targets = await nextTargets(endpoint.sql, endpoint.endpointId, 10)
  await name(endpoint, ['a'])

  await mergeNamed(endpoint, { files: [file('a', 'root')], targets })

  const left = await nextTargets(endpoint.sql, endpoint.endpointId, 10)
  expect(left.map(({ id }) => id)).toEqual(['a'])
  expect(left[0]!.seq).toBeGreaterThan(targets[0]!.seq)
})

it('deletes what is gone, and what was moved to where the endpoint does not reach', async () => {
  await using endpoint = await createTestEndpoint()
  const files = ['a', 'b', 'c'].map((id) => file(id, 'root'))
  await runPages(endpoint, [walked({ first: true, folders: [root], files, more: false, next: null })])

  await mergeNamed(endpoint, { removed: ['a'], files: [file('b', 'elsewhere')] })

  expect(Object.keys(await paths(endpoint))).toEqual(['c'])
})

it('leaves more deletions than the guard allows to the next full pass', async () => {
  await using endpoint = await createTestEndpoint()
  const files = Array.from({ length: 150 }, (_, index) => file(`f${index}`, 'root'))
  await runPages(endpoint, [walked({ first: true, folders: [root], files, more: false, next: null })])

  await mergeNamed(endpoint, { removed: files.map(({ id }) => id) })

  expect(Object.keys(await paths(endpoint))).toHaveLength(150)
})

it('counts what a run has deleted before, so that many small answers do not get round the guard', async () => {
  await using endpoint = await createTestEndpoint()
  const { sql, endpointId } = endpoint
  const ids = Array.from({ length: 150 }, (_, index) => `f${index}`)
  const files = ids.map((id) => file(id, 'root'))
  await runPages(endpoint, [walked({ first: true, folders: [root], files, more: false, next: null })])

  const claim = await claimRun(sql, endpointId, true)
  for (const from of [0, 50, 100]) {
    await mergeTargets(sql, endpointId, claim!.fence, named({ removed: ids.slice(from, from + 50) }))
  }

  expect(Object.keys(await paths(endpoint))).toHaveLength(50)
})

it('leaves a deletion that the guard stopped to be confirmed, whether it succeeds or fails', async () => {
  await using endpoint = await createTestEndpoint()
  const { sql, endpointId } = endpoint
  const stopped = { status: 'stopped', errorCode: 'mass_delete_stopped', errorMessage: 'More than the guard allows.' } as const
  const scheduled = await claimRun(sql, endpointId)
  await finishRun(sql, endpointId, scheduled!.fence, { ...succeeded, ...stopped, nextSyncAt: new Date(Date.now() + 3_600_000) })

  for (const end of [succeeded, failure]) {
    const claim = await claimRun(sql, endpointId, true)
    await finishRun(sql, endpointId, claim!.fence, { ...end, nextSyncAt: null })
    expect(await state(endpoint)).toMatchObject({ status: 'stopped', code: 'mass_delete_stopped' })
  }
  await sql`select public.confirm_deletions(${endpointId}::uuid)`
})

it('is not undone by the end of a full pass that had passed the folder before', async () => {
  await using endpoint = await createTestEndpoint()
  const { sql, endpointId } = endpoint
  const claim = await claimRun(sql, endpointId)
  await mergePage(sql, endpointId, claim!.fence, walked({ first: true, folders: [root], next: { at: 1 } })).result

  await mergeTargets(sql, endpointId, claim!.fence, named({ files: [file('new', 'root')] }))
  await mergePage(sql, endpointId, claim!.fence, walked({ files: [file('old', 'root')], more: false, next: null })).result

  expect(Object.keys(await paths(endpoint))).toEqual(['new', 'old'])
})

it('keeps nothing in folders that were covered before the endpoint was changed', async () => {
  await using endpoint = await createTestEndpoint()
  const { sql, endpointId } = endpoint
  await runPages(endpoint, [
    walked({ first: true, folders: [root, folder('a', 'root'), folder('b', 'root')], next: { at: 1 } }),
    walked({ files: [file('f', 'a'), file('g', 'b')], more: false, next: null }),
  ])
  await sql`update public.endpoints set endpoint_config = '{"folder_id": "b"}'`
  const claim = await claimRun(sql, endpointId)
  const narrowed = folder('b', null, { root: true })
  await mergePage(sql, endpointId, claim!.fence, walked({ first: true, folders: [narrowed], next: { at: 1 } })).result

  expect(await knownFolders(sql, endpointId, ['root', 'a', 'b'])).toEqual(new Set(['b']))
  await mergeTargets(sql, endpointId, claim!.fence, named({ files: [file('f', 'a'), file('late', 'a')] }))
  await mergePage(sql, endpointId, claim!.fence, walked({ files: [file('g', 'b')], more: false, next: null })).result
  expect(await paths(endpoint)).toEqual({ g: '/g.txt' })
})

it('does not touch the schedule, nor the count of its failures', async () => {
  await using endpoint = await createTestEndpoint()
  const { sql, endpointId } = endpoint
  await fail(endpoint, new Date(Date.now() + 3_600_000))
  const before = await state(endpoint)

  const claim = await claimRun(sql, endpointId, true)
  await finishRun(sql, endpointId, claim!.fence, { ...succeeded, nextSyncAt: null })

  expect(await state(endpoint)).toEqual(before)
})

it('waits longer after each failure from the third on, says why, and begins anew after a success', async () => {
  await using endpoint = await createTestEndpoint()
  const soon = () => new Date(Date.now() + 60_000)
  const pauses: number[] = []
  for (let failures = 1; failures <= 12; failures += 1) {
    const begun = Date.now()
    await fail(endpoint, soon())
    pauses.push(Math.round(((await state(endpoint)).nextSyncAt.getTime() - begun) / 60_000))
  }
  expect(pauses).toEqual([1, 1, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360])
  expect(await state(endpoint)).toMatchObject({ failures: 12, code: 'provider_unavailable', status: 'failed' })

  const claim = await claimRun(endpoint.sql, endpoint.endpointId)
  await finishRun(endpoint.sql, endpoint.endpointId, claim!.fence, { ...succeeded, nextSyncAt: soon() })
  expect(await state(endpoint)).toMatchObject({ failures: 0, code: null, status: 'completed' })
})

it('does not wait longer when each failure came after some pages: a long walk has to end', async () => {
  await using endpoint = await createTestEndpoint()
  const { sql, endpointId } = endpoint
  for (let at = 1; at <= 4; at += 1) {
    const claim = await claimRun(sql, endpointId)
    await mergePage(sql, endpointId, claim!.fence, walked({ first: at === 1, folders: at === 1 ? [root] : [], next: { at } }))
      .result
    await finishRun(sql, endpointId, claim!.fence, { ...failure, nextSyncAt: new Date(Date.now() + 60_000) })
    expect(await state(endpoint)).toMatchObject({ failures: 1, status: 'failed' })
  }
  await fail(endpoint, new Date())
  expect(await state(endpoint)).toMatchObject({ failures: 2 })
})

it('rewrites no folder and no file when a walk with its frontier in the cursor finds everything unchanged', async () => {
  await using endpoint = await createTestEndpoint()
  const pages = [
    walked({ first: true, folders: [root, folder('a', 'root')], next: { at: 1 } }),
    walked({ folders: [folder('b', 'a')], files: [file('f', 'a')], more: false, next: null }),
  ]
  await runPages(endpoint, pages)
  const before = await versions(endpoint)
  await runPages(endpoint, pages)
  expect(await versions(endpoint)).toEqual(before)
})

it('gives a renamed or moved folder and all below it their new paths as the walk goes down', async () => {
  await using endpoint = await createTestEndpoint()
  await runPages(endpoint, [
    walked({ first: true, folders: [root, folder('a', 'root'), folder('c', 'root')], next: { at: 1 } }),
    walked({ folders: [folder('b', 'a')], next: { at: 2 } }),
    walked({ files: [file('f', 'b')], more: false, next: null }),
  ])
  await runPages(endpoint, [
    walked({ first: true, folders: [root, folder('a', 'root', { name: 'renamed' }), folder('c', 'root')], next: { at: 1 } }),
    walked({ folders: [folder('b', 'c')], next: { at: 2 } }),
    walked({ files: [file('f', 'b')], more: false, next: null }),
  ])
  expect(await paths(endpoint)).toEqual({ f: '/c/b/f.txt' })
})

const succeeded = { status: 'completed', errorCode: null, errorMessage: null, requests: 0, bytes: 0 } as const
const failure = { ...succeeded, status: 'failed', errorCode: 'provider_unavailable', errorMessage: 'It is failing.' } as const

/** A page of a walk down from the root, whose frontier is in the cursor. */
function walked(changes: Parameters<typeof page>[0]) {
  return page({ frontier: 'cursor', orphanPath: null, ...changes })
}

function named(changes: Partial<TargetsToMerge>): TargetsToMerge {
  return { folders: [], files: [], removed: [], targets: [], fetched: 0, requests: 1, bytes: 1, ...changes }
}

async function name({ sql, endpointId }: TestEndpoint, ids: string[]): Promise<void> {
  await sql`
    select patchbay.add_targets(${endpointId}::uuid, array(select jsonb_array_elements_text(${JSON.stringify(ids)}::text::jsonb)))`
}

async function mergeNamed({ sql, endpointId }: TestEndpoint, changes: Partial<TargetsToMerge>): Promise<void> {
  const targets = await nextTargets(sql, endpointId, 10)
  const claim = await claimRun(sql, endpointId, true)
  await mergeTargets(sql, endpointId, claim!.fence, named({ targets, ...changes }))
  await finishRun(sql, endpointId, claim!.fence, { ...succeeded, nextSyncAt: null })
}

async function fail({ sql, endpointId }: TestEndpoint, nextSyncAt: Date): Promise<void> {
  const claim = await claimRun(sql, endpointId)
  await finishRun(sql, endpointId, claim!.fence, { ...failure, nextSyncAt })
}

async function state({ sql, endpointId }: TestEndpoint) {
  const [row] = await sql<{ failures: number; code: string | null; status: string; nextSyncAt: Date }[]>`
    select consecutive_failures as failures, last_error_code as code, last_sync_status as status, next_sync_at as "nextSyncAt"
    from public.endpoints where id = ${endpointId}::uuid`
  return row!
}

/** Which version of each row is there: a rewritten one has another transaction id. */
async function versions({ sql, endpointId }: TestEndpoint) {
  return sql`
    select external_folder_id as id, xmin::text from patchbay.folders where endpoint_id = ${endpointId}::uuid
    union all
    select external_file_id, xmin::text from public.files where endpoint_id = ${endpointId}::uuid
    order by 1`
}
