import { Cron } from 'croner'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nextSyncAt } from '../../src/shared/sync/schedule.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const accepted = [
  '* * * * *',
  '*/5 * * * *',
  '0 6 * * 1-5',
  '0,15,30,45 * * * *',
  '0-30/10 8-18/2 1,15 */3 *',
  '59 23 31 12 7',
  '0 0 30 2 *',
  '  0   6 * *  1 ',
  '00 06 01 01 00',
]

const refused = [
  '',
  ' ',
  'hourly',
  '@daily',
  '* * * *',
  '* * * * * *',
  '60 * * * *',
  '* 24 * * *',
  '* * 0 * *',
  '* * 32 * *',
  '* * * 0 *',
  '* * * 13 *',
  '* * * * 8',
  '-1 * * * *',
  '30-10 * * * *',
  '*/0 * * * *',
  '*/60 * * * *',
  '5/10 * * * *',
  '1,,2 * * * *',
  '1, * * * *',
  '* * L * *',
  '* * * * mon',
  '* * * * 1#2',
  '* * ? * *',
  '1.5 * * * *',
  '100 * * * *',
  "* * * * *'; drop table files; --",
]

describe('patchbay.is_cron', () => {
  let db: TestDatabase
  beforeAll(async () => {
    db = await createTestDatabase()
  })
  afterAll(() => db[Symbol.asyncDispose]())

  const verdicts = async (expressions: readonly string[]) => {
    const rows = await db.sql<{ expression: string; ok: boolean }[]>`
      select expression, patchbay.is_cron(expression) as ok
      from jsonb_array_elements_text(${db.sql.json([...expressions])}) as expression`
    return new Map(rows.map((row) => [row.expression, row.ok]))
  }

  it('accepts five fields of numbers, ranges, lists and steps', async () => {
    expect([...(await verdicts(accepted))].filter(([, ok]) => !ok)).toEqual([])
  })

  it('refuses what is not such an expression', async () => {
    expect([...(await verdicts(refused))].filter(([, ok]) => ok)).toEqual([])
  })

  it('refuses null', async () => {
    expect(await db.sql`select patchbay.is_cron(null) as ok`).toEqual([{ ok: false }])
  })

  it('accepts only what the library that computes the times accepts', async () => {
    const generated = generate(2_000)
    const ok = [...(await verdicts([...accepted, ...refused, ...generated]))]
      .filter(([, verdict]) => verdict)
      .map(([text]) => text)

    expect(ok.length, 'The generator makes enough valid expressions to mean something.').toBeGreaterThan(300)
    expect(ok.filter((expression) => !libraryAccepts(expression))).toEqual([])
  })

  it('gives every accepted expression a time that is not in the past', async () => {
    const now = Date.parse('2026-11-21T12:00:00Z')
    for (const schedule_cron of accepted) {
      const schedule = { schedule_type: 'cron', schedule_cron, interval_minutes: null, time_zone: 'Europe/Berlin' } as const
      expect(nextSyncAt(schedule, now, now).getTime(), schedule_cron).toBeGreaterThan(now)
    }
  })
})

function libraryAccepts(expression: string): boolean {
  try {
    const cron = new Cron(expression, { timezone: 'UTC', paused: true })
    cron.nextRun()
    return true
  } catch {
    return false
  }
}

/** Expressions near the border between valid and not; the same ones every time. */
function generate(count: number): string[] {
  let state = 20_261_121
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  const bounds = [
    [0, 59],
    [0, 23],
    [1, 31],
    [1, 12],
    [0, 7],
  ] as const
  const item = (low: number, high: number): string => {
    // One in forty a number beyond the field's end.
    const number = () => (below(40) === 0 ? high + 1 : low + below(high - low + 1))
    const step = () => (below(3) === 0 ? `/${below(20) === 0 ? 0 : 1 + below(high)}` : '')
    const forms = [
      () => '*',
      () => String(number()),
      () => `*${step()}`,
      () => `${number()}-${number()}${step()}`,
      () => `${number()}${step()}`,
    ]
    return forms[below(forms.length)]?.() ?? '*'
  }
  const field = ([low, high]: readonly [number, number]) =>
    Array.from({ length: 1 + (below(4) === 0 ? 1 : 0) }, () => item(low, high)).join(',')
  return Array.from({ length: count }, () => bounds.map(field).join(' '))
}
