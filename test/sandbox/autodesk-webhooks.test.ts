import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { openProject } from './autodesk-support.ts'

const token = 'a-secret-of-this-hook'
const hooksOf = (event: string) => `/webhooks/v1/systems/data/events/${event}/hooks`

const Message = z.object({
  hook: z.object({ event: z.string() }),
  payload: z.object({
    lineageUrn: z.string(),
    version: z.string().optional(),
    ancestors: z.array(z.object({ urn: z.string(), name: z.string() })),
  }),
})

interface Received {
  headers: NodeJS.Dict<string | string[]>
  body: string
}

/** An app's callback address, which answers with `status`. */
async function openCallback() {
  const received: Received[] = []
  const callback = { status: 200, received }
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      received.push({ headers: request.headers, body })
      response.writeHead(callback.status).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  return Object.assign(callback, { url: `http://127.0.0.1:${port}/hook`, [Symbol.asyncDispose]: close })
}

type Project = Awaited<ReturnType<typeof openProject>>

async function createHook(project: Project, event: string, callbackUrl: string, more: object = {}) {
  const json = { callbackUrl, scope: { folder: project.rootId }, token, ...more }
  const answer = await project.request(project.bearer, hooksOf(event), { method: 'POST', json })
  return { ...answer, id: answer.headers.get('location')?.split('/').at(-1) ?? '' }
}

/** What came, as an app reads it: the event, the file, and the names of the folders above it. */
function read({ received }: { received: Received[] }) {
  return received.map(({ body }) => {
    const { hook, payload } = Message.parse(JSON.parse(body))
    return {
      event: hook.event,
      item: payload.lineageUrn,
      above: payload.ancestors
        .slice(3)
        .map(({ name }) => name)
        .join('/'),
      version: payload.version,
    }
  })
}

it('a hook is made once, shown without its secret, altered and deleted', async () => {
  await using project = await openProject()
  const made = await createHook(project, 'dm.version.added', 'http://127.0.0.1:9/hook', { hookExpiry: '2099-01-01T00:00:00Z' })
  expect(made).toMatchObject({ status: 201, body: undefined })
  expect(made.headers.get('location')).toBe(`https://developer.api.autodesk.com${hooksOf('dm.version.added')}/${made.id}`)
  expect((await createHook(project, 'dm.version.added', 'http://127.0.0.1:9/hook')).status).toBe(409)

  const path = `${hooksOf('dm.version.added')}/${made.id}`
  const shown = await project.request(project.bearer, path)
  const details = { hookId: made.id, status: 'active', system: 'data', creatorType: 'O2User', scope: { folder: project.rootId } }
  expect(shown).toMatchObject({ status: 200, body: { ...details, hookExpiry: '2099-01-01T00:00:00Z' } })
  expect(JSON.stringify(shown.body)).not.toContain(token)
  expect(await project.request(project.bearer, hooksOf('dm.version.added'))).toMatchObject({
    status: 200,
    body: { data: [{ hookId: made.id }] },
  })
  expect((await project.request(project.bearer, hooksOf('dm.version.deleted'))).status).toBe(204)
  expect((await project.request(project.bearer, path, { headers: { 'x-ads-region': 'EMEA' } })).status).toBe(404)
  // Another's is nobody's business.
  expect((await project.request(await project.appToken(), path)).status).toBe(404)

  const json = { status: 'inactive', hookAttribute: { endpoint: 'e1' } }
  expect((await project.request(project.bearer, path, { method: 'PATCH', json })).status).toBe(200)
  expect((await project.request(project.bearer, path)).body).toMatchObject(json)
  expect((await project.request(project.bearer, path, { method: 'DELETE' })).status).toBe(204)
  expect((await project.request(project.bearer, path, { method: 'DELETE' })).status).toBe(404)
})

it.each([
  ['a token that may only read', 403, 'data:read', {}, {}],
  ['another region than the folder’s', 403, 'data:read data:create', {}, { 'x-ads-region': 'EMEA' }],
  ['a folder that is not there', 404, 'data:read data:create', { scope: { folder: 'urn:adsk.wipprod:fs.folder:co.none' } }, {}],
  ['a filter, which is not simulated', 400, 'data:read data:create', { filter: "$[?(@.ext=='txt')]" }, {}],
  ['an address that is none', 400, 'data:read data:create', { callbackUrl: 'here' }, {}],
])('no hook is made with %s', async (_, status, scope, changes, headers) => {
  await using project = await openProject()
  const json = { callbackUrl: 'http://127.0.0.1:9/hook', scope: { folder: project.rootId }, ...changes }
  const bearer = await project.appToken(scope)
  const answer = await project.request(bearer, hooksOf('dm.version.added'), { method: 'POST', json, headers })
  expect(answer.status).toBe(status)
})

it('tells of what happens to files below its folder, signed, whoever did it', async () => {
  await using project = await openProject()
  await using callback = await openCallback()
  for (const event of ['added', 'modified', 'moved', 'moved.out', 'deleted']) {
    expect((await createHook(project, `dm.version.${event}`, callback.url)).status).toBe(201)
  }
  const told = async (deed: () => Promise<unknown>) => {
    callback.received.length = 0
    await deed()
    await project.admin.deliveries.settled()
    return read(callback)
  }
  const [folder = '', other = ''] = await project.files.addFolders(project.rootId, ['A', 'B'])
  let item = ''
  const added = await told(async () => ([item = ''] = await project.files.addFiles(folder, [{ name: 'plan.pdf', size: 3 }])))
  expect(added).toEqual([{ event: 'dm.version.added', item, above: 'Project Files/A', version: '1' }])
  const version = await told(() => project.autodesk.addVersion({ id: item, size: 9 }))
  expect(version).toEqual([{ event: 'dm.version.added', item, above: 'Project Files/A', version: '2' }])
  const renamed = await told(() => project.files.rename(item, 'plan B.pdf'))
  expect(renamed).toEqual([{ event: 'dm.version.modified', item, above: 'Project Files/A', version: '2' }])
  const moved = await told(() => project.files.move(item, other))
  expect(moved.map(({ event, above }) => `${event} ${above}`).toSorted()).toEqual([
    'dm.version.moved Project Files/B',
    'dm.version.moved.out Project Files/B',
  ])
  const json = {
    data: {
      type: 'versions',
      attributes: { extension: { type: 'versions:autodesk.core:Deleted' } },
      relationships: { item: { data: { id: item } } },
    },
  }
  const deleted = await told(() => project.request(project.bearer, `${project.base}/versions`, { method: 'POST', json }))
  expect(deleted).toEqual([{ event: 'dm.version.deleted', item, above: 'Project Files/B', version: undefined }])
  const [{ headers, body } = { headers: {}, body: '' }] = callback.received
  expect(headers['x-adsk-signature']).toBe(`sha1hash=${createHmac('sha1', token).update(body).digest('hex')}`)
  expect(headers['x-adsk-delivery-id']).toMatch(/^[\da-f-]{36}$/)
  expect(await told(() => project.files.restore(item))).toMatchObject([{ event: 'dm.version.added', version: '4' }])

  // Another project, a folder, and what is outside the scope are no news.
  const tree = await project.files.createTree('pat@example.com', 'Elsewhere')
  expect(await told(() => project.files.addFiles(tree.rootId, [{ name: 'x' }]))).toEqual([])
  expect(await told(() => project.files.rename(folder, 'C'))).toEqual([])
})

it('a move is told at both ends, each by what watches it', async () => {
  await using project = await openProject()
  await using callback = await openCallback()
  const [from = '', to = ''] = await project.files.addFolders(project.rootId, ['From', 'To'])
  const [item = ''] = await project.files.addFiles(from, [{ name: 'a.pdf' }])
  await createHook(project, 'dm.version.moved', callback.url, { scope: { folder: from } })
  await createHook(project, 'dm.version.moved.out', callback.url, { scope: { folder: to } })
  await project.files.move(item, to)
  await project.admin.deliveries.settled()
  expect(read(callback)).toEqual([])
  await createHook(project, 'dm.version.moved', callback.url, { scope: { folder: to } })
  await createHook(project, 'dm.version.moved.out', callback.url, { scope: { folder: from } })
  await project.files.move(item, from)
  await project.files.move(item, to)
  await project.admin.deliveries.settled()
  // Back: both of the first. There again: both of the second.
  expect(
    read(callback)
      .map(({ event }) => event)
      .toSorted(),
  ).toEqual(['dm.version.moved', 'dm.version.moved', 'dm.version.moved.out', 'dm.version.moved.out'])
})

it('a hook that fails goes quiet until it is switched on again, and one past its time is quiet', async () => {
  await using project = await openProject()
  await using callback = await openCallback()
  callback.status = 500
  const { id } = await createHook(project, 'dm.version.added', callback.url)
  const path = `${hooksOf('dm.version.added')}/${id}`
  const add = async () => {
    await project.files.addFiles(project.rootId, [{ name: 'a.pdf' }])
    await project.admin.deliveries.settled()
  }
  await add()
  expect(callback.received).toHaveLength(4)
  // The same delivery, tried again.
  expect(new Set(callback.received.map(({ headers }) => headers['x-adsk-delivery-id'])).size).toBe(1)
  expect((await project.request(project.bearer, path)).body).toMatchObject({ status: 'inactive' })
  callback.status = 204
  await add()
  expect(callback.received).toHaveLength(4)
  await project.request(project.bearer, path, { method: 'PATCH', json: { status: 'active' } })
  expect((await project.request(project.bearer, path)).body).toMatchObject({ status: 'reactivated' })
  await add()
  expect(callback.received).toHaveLength(5)
  expect((await project.request(project.bearer, path)).body).toMatchObject({ status: 'active' })
  const hookExpiry = new Date(Date.now() - 1000).toISOString()
  await project.request(project.bearer, path, { method: 'PATCH', json: { hookExpiry } })
  await add()
  expect(callback.received).toHaveLength(5)
})

it('a hook outlives a restart, and everything may come twice', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'autodesk-'))
  await using callback = await openCallback()
  try {
    let rootId = ''
    {
      await using project = await openProject({ stateDir })
      rootId = project.rootId
      expect((await createHook(project, 'dm.version.added', callback.url)).status).toBe(201)
    }
    await using project = await openProject({ stateDir })
    await project.admin.deliveries.setCopies(2)
    await project.files.addFiles(rootId, [{ name: 'a.pdf' }])
    await project.admin.deliveries.settled()
    expect(callback.received).toHaveLength(2)
    expect(new Set(callback.received.map(({ body }) => body)).size).toBe(1)
  } finally {
    await rm(stateDir, { recursive: true })
  }
})
