import { describe, expect, it } from 'vitest'
import { nextSyncAt, type Schedule } from '../../src/shared/sync/schedule.ts'

const interval: Schedule = { schedule_type: 'interval', schedule_cron: '*/5 * * * *', interval_minutes: 5, time_zone: 'UTC' }
const cron = (schedule_cron: string, time_zone = 'UTC'): Schedule => ({
  ...interval,
  schedule_type: 'cron',
  schedule_cron,
  time_zone,
})
const at = (text: string): number => Date.parse(text)

describe('an interval', () => {
  it('counts from the beginning of the run', () => {
    expect(nextSyncAt(interval, at('2026-01-01T00:00:00Z'), at('2026-01-01T00:02:00Z')).toISOString()).toBe(
      '2026-01-01T00:05:00.000Z',
    )
  })

  it('is due at once after a run that took longer', () => {
    expect(nextSyncAt(interval, at('2026-01-01T00:00:00Z'), at('2026-01-01T00:20:00Z')).toISOString()).toBe(
      '2026-01-01T00:20:00.000Z',
    )
  })
})

describe('a cron expression', () => {
  it.each([
    ['the next weekday', '0 6 * * 1-5', 'UTC', '2026-11-20T06:00:00Z', '2026-11-23T06:00:00.000Z'],
    ['by the clock of its time zone', '0 6 * * *', 'Europe/Berlin', '2026-07-01T00:00:00Z', '2026-07-01T04:00:00.000Z'],
    ['by the same clock in winter', '0 6 * * *', 'Europe/Berlin', '2026-12-01T00:00:00Z', '2026-12-01T05:00:00.000Z'],
    [
      'right after an hour that the clocks skip',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-29T00:00:00Z',
      '2026-03-29T01:00:00.000Z',
    ],
    ['once in an hour that comes twice', '30 2 * * *', 'Europe/Berlin', '2026-10-25T00:31:00Z', '2026-10-26T01:30:00.000Z'],
  ])('is due %s', (_name, expression, timeZone, now, expected) => {
    expect(nextSyncAt(cron(expression, timeZone), at(now), at(now)).toISOString()).toBe(expected)
  })

  it('that never comes is due in a year', () => {
    expect(nextSyncAt(cron('0 0 30 2 *'), 0, at('2026-01-01T00:00:00Z')).toISOString()).toBe('2027-01-01T00:00:00.000Z')
  })
})
