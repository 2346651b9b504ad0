import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { connect } from '../../src/shared/db/connection.ts'
import { sha256 } from '../../src/shared/oauth/random.ts'
import { openTicket, putTicket, putTransaction, takeTransaction, type NewTransaction } from '../../src/shared/oauth/states.ts'
import { addUser, connectAccount } from '../db/rows.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let db: TestDatabase
let sql: ReturnType<typeof connect>
let transaction: NewTransaction

beforeAll(async () => {
  db = await createTestDatabase()
  // As in production: through a pooler.
  sql = connect(db.url, 3)
  const userId = await addUser(sql)
  transaction = {
    userId,
    provider: 'google-drive',
    redirectUri: 'https://x.example/oauth-callback/google-drive',
    redirectTo: 'https://app.example/done',
    scopes: ['a', 'b'],
    integrationId: await connectAccount(sql, userId),
  }
})
beforeEach(async () => {
  await sql`delete from patchbay.oauth_states`
})
afterAll(async () => {
  await sql.end()
  await db[Symbol.asyncDispose]()
})

describe('a start URL', () => {
  it('works once, and turns into a transaction of the browser that opened it', async () => {
    await putTicket(sql, await sha256('ticket'), transaction)
    const opened = await openTicket(sql, await sha256('ticket'), 'google-drive', await departure())
    expect(opened).toEqual({ redirectUri: transaction.redirectUri, scopes: ['a', 'b'] })
    expect(await openTicket(sql, await sha256('ticket'), 'google-drive', await departure('other'))).toBeUndefined()

    expect(await takeTransaction(sql, await sha256('state'))).toEqual({
      ...transaction,
      stage: 'server',
      browserHash: Buffer.from(await sha256('cookie')),
      codeVerifierJwe: 'e30..aXY.Y2lwaGVy.dGFn',
    })
  })

  it('works for one of many that open it at the same time', async () => {
    await putTicket(sql, await sha256('ticket'), transaction)
    const all = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        openTicket(sql, await sha256('ticket'), 'google-drive', await departure(`${index}`)),
      ),
    )
    expect(all.filter((opened) => opened !== undefined)).toHaveLength(1)
  })

  it('does not work at another provider, nor after two minutes', async () => {
    await putTicket(sql, await sha256('ticket'), transaction)
    expect(await openTicket(sql, await sha256('ticket'), 'slack', await departure())).toBeUndefined()
    await putTicket(sql, await sha256('late'), transaction)
    expect(await lifetimeSeconds()).toBe(120)
    await sql`update patchbay.oauth_states set expires_at = now()`
    expect(await openTicket(sql, await sha256('late'), 'google-drive', await departure())).toBeUndefined()
    expect(await takeTransaction(sql, await sha256('state'))).toBeUndefined()
  })

  it('is no state', async () => {
    await putTicket(sql, await sha256('ticket'), transaction)
    expect(await takeTransaction(sql, await sha256('ticket'))).toBeUndefined()
  })
})

describe('a state', () => {
  it('works once', async () => {
    await putTransaction(sql, transaction, await departure())
    expect(await lifetimeSeconds()).toBe(600)
    const all = await Promise.all(Array.from({ length: 20 }, async () => takeTransaction(sql, await sha256('state'))))
    expect(all.filter((taken) => taken !== undefined)).toMatchObject([{ stage: 'client', browserHash: null }])
  })

  it('does not work after ten minutes, and is used up all the same', async () => {
    await putTransaction(sql, transaction, await departure())
    await sql`update patchbay.oauth_states set expires_at = now()`
    expect(await takeTransaction(sql, await sha256('state'))).toBeUndefined()
    expect(await sql`select from patchbay.oauth_states`).toHaveLength(0)
  })

  it('is stored as a hash only', async () => {
    await putTransaction(sql, transaction, await departure())
    const [row] = await sql<{ text: string }[]>`select to_jsonb(s)::text as text from patchbay.oauth_states s`
    expect(row?.text).toContain(Buffer.from(await sha256('state')).toString('hex'))
    expect(row?.text).not.toContain('"state"')
  })

  it('sweeps up expired ones when a new one is made', async () => {
    for (let index = 0; index < 12; index += 1) await putTransaction(sql, transaction, await departure(`old ${index}`))
    await sql`update patchbay.oauth_states set expires_at = now()`
    await putTransaction(sql, transaction, await departure('new'))
    await putTicket(sql, await sha256('ticket'), transaction)
    expect(await sql`select from patchbay.oauth_states`).toHaveLength(2)
  })
})

async function departure(state = 'state') {
  return { stateHash: await sha256(state), browserHash: await sha256('cookie'), codeVerifierJwe: 'e30..aXY.Y2lwaGVy.dGFn' }
}

async function lifetimeSeconds(): Promise<number> {
  const [row] = await sql<{ seconds: number }[]>`
    select extract(epoch from expires_at - created_at)::float8 as seconds from patchbay.oauth_states`
  return row?.seconds ?? Number.NaN
}
