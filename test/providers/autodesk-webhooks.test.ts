import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { sandboxClient, type SandboxClient, type SandboxFilesClient } from '../../src/sandbox/client.ts'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { webhooks } from '../../src/shared/providers/autodesk/webhooks.ts'
import type { CreatedHook, HookOrder, WebhookContext } from '../../src/shared/sync/stream.ts'
import { connectApp, connectPerson, serveAutodesk } from './autodesk-account.ts'

const secret = 'a secret of this hook'
const lineageUrn = 'urn:adsk.wipprod:dm.lineage:0zvdp3CoTzWDcZC_wL0kJA'

/** As Autodesk documents it: https://aps.autodesk.com/en/docs/webhooks/v1/reference/events/data_management_events/dm.version.added/ */
const event = {
  version: '1.0',
  resourceUrn: 'urn:adsk.wipprod:fs.file:vf.0zvdp3CoTzWDcZC_wL0kJA?version=1',
  hook: { hookId: '1fcd3e30-9f3f-11e7-951f-0fd5337ed5ce', event: 'dm.version.added', status: 'active' },
  payload: {
    ext: 'txt',
    lineageUrn,
    sizeInBytes: 36,
    source: 'urn:adsk.wipprod:fs.file:vf.0zvdp3CoTzWDcZC_wL0kJA?version=1',
    name: 'dc829fc5-bd21-4444-8d8f-735ae4fe736f.txt',
    project: '4f8b8b74-3853-473d-85c4-4e8a8bff885b',
  },
}

function signed(body: string, by = secret): Headers {
  const signature = createHmac('sha1', by).update(body).digest('hex')
  return new Headers({ 'x-adsk-signature': `sha1hash=${signature}`, 'x-adsk-delivery-id': 'b8e1b1b2' })
}

const read = (body: string, headers: Headers) =>
  webhooks.read({ headers, body }, { id: 'ours', secret, external: { hook: 'theirs' } })

describe('a delivery', () => {
  it('names the item that it is about', async () => {
    const body = JSON.stringify(event)
    expect(await read(body, signed(body))).toMatchObject({ type: 'dm.version.added', about: { targets: [lineageUrn] } })
  })

  it('is refused without a signature, or with another one', async () => {
    const body = JSON.stringify(event)
    expect(await read(body, new Headers())).toBeNull()
    expect(await read(body, new Headers({ 'x-adsk-signature': 'sha1hash=' }))).toBeNull()
    expect(await read(body, new Headers({ 'x-adsk-signature': `sha1hash=${'00'.repeat(20)}` }))).toBeNull()
    expect(await read(body, signed(body, 'another secret'))).toBeNull()
    expect(await read(body.replace('"ext":"txt"', '"ext":"pdf"'), signed(body))).toBeNull()
  })

  it('is the same however often it comes, also under another delivery id', async () => {
    const body = JSON.stringify(event)
    const again = signed(body)
    again.set('x-adsk-delivery-id', 'another')
    const first = await read(body, signed(body))
    expect(await read(body, again)).toEqual(first)
    const other = JSON.stringify({ ...event, resourceUrn: 'urn:adsk.wipprod:fs.file:vf.0zvdp3CoTzWDcZC_wL0kJA?version=2' })
    expect((await read(other, signed(other)))?.key).not.toBe(first?.key)
  })

  it.each([
    ['no JSON', 'not JSON', 'body'],
    ['no event', JSON.stringify({ ...event, hook: {} }), 'hook.hookId'],
    ['something that is no item', JSON.stringify({ ...event, payload: { lineageUrn: '../folders/x' } }), 'payload.lineageUrn'],
  ])('with %s cannot be read', async (_, body, field) => {
    await expect(read(body, signed(body))).rejects.toMatchObject({ code: 'provider_answer_invalid', context: { field } })
  })
})

describe('the hooks of an endpoint', () => {
  let sandbox: Sandbox
  let admin: SandboxClient
  let files: SandboxFilesClient
  let context: (config: unknown) => WebhookContext
  let project: Awaited<ReturnType<SandboxFilesClient['createTree']>>
  let projects = 0

  beforeAll(async () => {
    sandbox = await startSandbox()
    admin = sandboxClient(sandbox.url)
    files = admin.files('autodesk_construction_cloud')
    if (webhooks.as === 'account') throw new Error('The hooks are not the app’s.')
    const api = await connectApp(sandbox.url, webhooks.as.app)
    context = (config) => ({ api, config, now: Date.now })
  })

  beforeEach(async () => {
    projects += 1
    project = await files.createTree('sam@example.org', `Hooks ${projects}`)
    await admin.clearRequests()
  })

  afterAll(async () => {
    await sandbox.close()
  })

  const kinds = ['dm.version.added', 'dm.version.modified', 'dm.version.moved', 'dm.version.deleted']

  it('watch each top folder for each kind of change, in the account’s region', async () => {
    const plan = await webhooks.plan(context({ project_id: project.config['project_id'] }))
    expect(plan.map(({ key }) => key)).toEqual(kinds.map((kind) => `${kind} ${project.rootId}`))
    expect(plan[0]?.params).toEqual({
      event: 'dm.version.added',
      folder: project.rootId,
      hub: project.config['hub_id'],
      project: project.config['project_id'],
      region: 'EMEA',
    })
  })

  it('watch the endpoint’s own folder, if it can be seen, and ask for nothing else that the endpoint says', async () => {
    const [folder_id] = await files.addFolders(project.rootId, ['own'])
    const plan = await webhooks.plan(context({ ...project.config, folder_id, region: 'EMEA' }))
    expect(plan.map(({ key }) => key)).toEqual(kinds.map((kind) => `${kind} ${folder_id}`))
    expect(await admin.requests()).toHaveLength(1)
    const person = {
      ...context({ ...project.config, folder_id, region: 'EMEA' }),
      api: await connectPerson(sandbox.url, 'sam@example.org'),
    }
    await files.setVisible(folder_id!, false)
    await expect(webhooks.plan(person)).rejects.toMatchObject({ code: expect.stringMatching(/^provider_(forbidden|not_found)$/) })
  })

  it('are made with their secret and their end, are told of a change by deliveries that prove themselves, and are stopped', async () => {
    const delivered: { headers: Headers; body: string }[] = []
    await using receiver = await serveAutodesk((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
        delivered.push({ headers, body: Buffer.concat(parts).toString() })
        response.end()
      })
    })
    const uses = context(project.config)
    const orders = (await webhooks.plan(uses)).map((plan, index) => ({
      ...plan,
      id: `hook-${index}`,
      callbackUrl: `${receiver.url}/webhooks/hook-${index}`,
      secret: `secret ${index}`,
      expiresAt: Date.now() + webhooks.lifetimeMs,
    }))
    const hooks: (HookOrder & CreatedHook)[] = []
    for (const order of orders) hooks.push({ ...order, ...(await webhooks.create(uses, order)) })
    expect(hooks.map(({ expiresAt }) => expiresAt)).toEqual(orders.map(({ expiresAt }) => expiresAt))

    const [id] = await files.addFiles(project.rootId, [{ name: 'a.pdf' }])
    await files.rename(id!, 'b.pdf')
    await files.trash(id!)
    await admin.deliveries.settled()
    const read = await Promise.all(
      delivered.flatMap((delivery) => hooks.map(async (hook) => (await webhooks.read(delivery, hook))?.about ?? null)),
    )
    // Each is proof to its own hook only.
    expect(read.filter((about) => about !== null)).toEqual([{ targets: [id] }, { targets: [id] }, { targets: [id] }])

    for (const hook of hooks) await webhooks.remove(uses, hook)
    await files.restore(id!)
    await admin.deliveries.settled()
    expect(delivered).toHaveLength(3)
    await expect(webhooks.remove(uses, hooks[0]!)).rejects.toMatchObject({ code: 'provider_not_found' })
  })

  it('are not a person’s: their connection only reads', async () => {
    const uses = { ...context(project.config), api: await connectPerson(sandbox.url, 'sam@example.org') }
    const [plan] = await webhooks.plan(uses)
    const order = { ...plan!, id: 'x', callbackUrl: `${sandbox.url}/x`, secret, expiresAt: Date.now() + 60_000 }
    await expect(webhooks.create(uses, order)).rejects.toMatchObject({ code: 'missing_scope' })
  })
})
