import { createHmac } from 'node:crypto'
import { expect } from 'vitest'
import type { Runtime } from '../../../../src/shared/runtime.ts'
import { decryptFor, webhookOwner } from '../../../../src/shared/oauth/vault.ts'
import type { FileStream } from '../../../../src/shared/sync/stream.ts'
import type { FileScenario, FileScene } from '../../file-scene.ts'
import { chance, mix, smallPages } from './mixing.ts'
import { startWebhookServer, type WebhookServer } from '../../webhook-server.ts'

const unless = ({ webhooks }: FileStream) => (webhooks ? undefined : 'its provider does not tell of changes')

export const telling: readonly FileScenario[] = [
  {
    name: 'a change that the provider tells of comes without the schedule',
    unless,
    play: async (place) => {
      await using server = await startWebhookServer()
      const { folders, files } = await place.plant()
      const runtime = await watch(place, server)
      const dueAt = await nextSyncAt(place)

      const fresh = await place.addFolder('Inner', await place.addFolder('Outer'))
      const changes = [
        () => place.addFile('new.pdf', fresh),
        () => place.files.rename(files['a.pdf']!, 'renamed.pdf'),
        () => place.files.move(files['b.pdf']!, folders.archive),
        () => place.files.trash(files['c.pdf']!),
      ]
      for (const change of changes) {
        await change()
        await follow(place, runtime)
        await place.expectEqual()
      }
      // Twice, and all at once.
      await place.scene.sandbox.deliveries.setCopies(2)
      await place.addFiles(70, folders.details)
      await place.files.restore(files['c.pdf']!)
      await follow(place, runtime)
      await place.expectEqual()
      expect(await states(place)).toEqual(new Set(['accepted']))
      expect(await nextSyncAt(place)).toBeGreaterThanOrEqual(dueAt)
    },
  },
  {
    name: 'what the provider tells of while everything is read is not undone by the end of that',
    unless,
    play: async (place) => {
      await using server = await startWebhookServer()
      const runtime = await watch(place, server, smallPages)
      await mix(place, chance(4), () => follow(place, runtime))
    },
  },
  {
    name: 'a delivery that proves nothing is 401, one that comes again is 200, and both change nothing',
    unless,
    play: async (place) => {
      await using server = await startWebhookServer()
      const runtime = await watch(place, server)
      const [hook, other] = await hookIds(place)
      await place.addFile('new.pdf')
      await follow(place, runtime)
      const [genuine] = await place.scene.sandbox.deliveries.list().then((all) => all.slice(-1))
      const genuineHook = genuine!.url.split('/').at(-1)!
      const { headers, body } = server.arrived.at(-1)!
      const before = await everything(place)

      expect(await server.deliver(genuineHook, { headers: plain(headers), body })).toBe(401)
      expect(await server.deliver(genuineHook, { headers: await spoiled(place, genuineHook, headers, body), body })).toBe(401)
      // What proves something to one hook proves nothing to another.
      expect(await server.deliver(genuineHook === hook ? other! : hook!, { headers: proofOf(headers), body })).toBe(401)
      expect(await server.deliver(crypto.randomUUID(), { headers: proofOf(headers), body })).toBe(401)
      await place.scene.sandbox.deliveries.replay()
      await follow(place, runtime)

      expect((await place.scene.sandbox.deliveries.list()).at(-1)).toMatchObject({ statuses: [200], url: genuine!.url })
      expect(await everything(place)).toEqual(before)
      await place.expectEqual()
    },
  },
]

/** Begins the endpoint, has its hooks made, and forgets what they say at first. */
async function watch(place: FileScene, server: WebhookServer, columns: Record<string, unknown> = {}): Promise<Runtime> {
  const { scene } = place
  const runtime = scene.runtimeOf({ SUPABASE_URL: server.url })
  server.runtime = runtime
  await place.begin(columns)
  // Another endpoint, so that there is another hook in any case.
  const another = await place.beside()
  await another.begin()
  await scene.dispatch()
  await follow(place, runtime)
  expect((await hookIds(place)).length).toBeGreaterThan(1)
  await place.expectEqual()
  return runtime
}

/** What the provider has to say is said, and worked off. */
async function follow({ scene }: FileScene, runtime: Runtime): Promise<void> {
  await scene.sandbox.deliveries.settled()
  await scene.runJobs(runtime)
}

async function hookIds({ sql }: FileScene): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`select id from patchbay.webhooks where state = 'active' order by id`
  return rows.map(({ id }) => id)
}

async function states({ scene }: FileScene): Promise<Set<string>> {
  return new Set((await scene.sandbox.deliveries.list()).map(({ state }) => state))
}

async function nextSyncAt({ sql, endpointId }: FileScene): Promise<number> {
  const [row] = await sql<{ at: Date }[]>`select next_sync_at as at from public.endpoints where id = ${endpointId}::uuid`
  return row!.at.getTime()
}

/** All that a delivery may change. */
async function everything(place: FileScene): Promise<unknown> {
  const { sql } = place
  return {
    rows: await place.rowVersions(),
    events: [...(await sql`select id, processed_at from patchbay.webhook_events order by id`)],
    targets: [...(await sql`select endpoint_id, external_id from patchbay.targets order by 1, 2`)],
    jobs: [...(await sql`select id, state::text from pgboss.job order by id`)],
    runs: [...(await sql`select id from public.sync_logs order by id`)],
    endpoints: [...(await sql`select id, next_sync_at from public.endpoints order by id`)],
  }
}

/** Without all that a provider adds of its own. */
function plain(headers: Headers): Headers {
  return new Headers([...proofOf(headers)].filter(([name]) => !name.startsWith('x-')))
}

/** With all but the right proof: of what is made with the hook's secret, one character is another. */
async function spoiled({ scene, sql }: FileScene, hookId: string, headers: Headers, body: string): Promise<Headers> {
  const [hook] = await sql<{ jwe: string }[]>`select secret_jwe as jwe from patchbay.webhooks where id = ${hookId}::uuid`
  const secret = await decryptFor(webhookOwner(hookId), hook!.jwe, scene.runtime.config.tokenKeys)
  const proofs = [secret, ...['sha1', 'sha256'].map((hash) => createHmac(hash, secret).update(body).digest('hex'))]
  const spoiling = [...proofOf(headers)].map(([name, value]): [string, string] => {
    const proof = proofs.find((each) => value.includes(each))
    return [name, proof === undefined ? value : value.replace(proof, `${proof.slice(0, -1)}${proof.endsWith('0') ? 1 : 0}`)]
  })
  expect(spoiling).not.toEqual([...proofOf(headers)])
  return new Headers(spoiling)
}

/** As somebody would send them again who has seen them. */
function proofOf(headers: Headers): Headers {
  return new Headers([...headers].filter(([name]) => name.startsWith('x-') || name === 'content-type'))
}
