import { expect, it } from 'vitest'
import { providers } from '../../src/shared/providers/registry.ts'
import { createTestDatabase } from '../support/database.ts'
import { dumpDatabase } from '../support/dump.ts'
import { openStage } from './scene.ts'

it('promise 6: tokens are ciphertext to the database: a dump with a live integration of every provider has none of them', async () => {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await createTestDatabase())
  const labels: string[] = []
  const secrets: string[] = []
  for (const definition of providers) {
    const stage = stack.use(await openStage(definition, database))
    const scene = stack.use(await stage.openScene())
    const { id } = await scene.connected()
    // An old pair, a newer one, and what is on its way to its revocation.
    await scene.expire(id)
    await scene.list(id)
    expect(await scene.integration(id)).toMatchObject({ status: 'connected' })
    const ended = await scene.connected()
    await ended.person.order('disconnect', ended.id)
    labels.push((await scene.account()).id)
    secrets.push(...(await scene.control.tokens()))
  }

  const dump = await dumpDatabase(database)
  expect(labels.filter((label) => !dump.includes(label))).toEqual([])
  expect(dump).toContain('patchbay.revocations')
  expect(secrets.length).toBeGreaterThan(5 * providers.length)
  const forms = [...secrets, 'sandbox-secret'].flatMap((secret) => [
    secret,
    Buffer.from(secret).toString('hex'),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('base64url'),
  ])
  expect(forms.filter((secret) => dump.includes(secret))).toEqual([])
})
