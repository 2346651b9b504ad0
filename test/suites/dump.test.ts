import { expect, it } from 'vitest'
import { createTestDatabase } from '../support/database.ts'
import { dumpDatabase } from '../support/dump.ts'
import { connectEveryProvider } from './live-integrations.ts'

// By COPY of every table, as the Postgres of npm has no pg_dump; npm run test:pg15 asks the real one.
it('promise 6: tokens are ciphertext to the database: a dump with a live integration of every provider has none of them', async () => {
  await using database = await createTestDatabase()
  await using live = await connectEveryProvider(database.url)
  const { accountIds, secrets } = live
  const dump = await dumpDatabase(database)
  expect(accountIds.filter((id) => !dump.includes(id))).toEqual([])
  expect(dump).toContain('patchbay.revocations')
  expect(secrets.filter((secret) => dump.includes(secret))).toEqual([])
})
