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

describe('when clocks are changed, a schedule is due', () => {
  it.each([
    [
      'once on the day that has no such hour, right after the gap',
      '30 2 * * *',
      'America/New_York',
      '2026-03-07T12:00Z',
      ['2026-03-08T07:00Z', '2026-03-09T06:30Z'],
    ],
    [
      'at the usual time where only that very day has no such hour',
      '30 2 29 3 *',
      'Europe/Berlin',
      '2026-01-01T00:00Z',
      ['2026-03-29T01:00Z', '2027-03-29T00:30Z'],
    ],
    [
      'once on the day that has the hour twice',
      '30 1 * * *',
      'America/New_York',
      '2026-10-31T12:00Z',
      ['2026-11-01T05:30Z', '2026-11-02T06:30Z'],
    ],
    [
      'in both of the hours, where it is due every hour',
      '15 * * * *',
      'America/New_York',
      '2026-11-01T04:20Z',
      ['2026-11-01T05:15Z', '2026-11-01T06:15Z', '2026-11-01T07:15Z'],
    ],
    [
      'every half hour, through the gap',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-03-29T00:20Z',
      ['2026-03-29T00:30Z', '2026-03-29T01:00Z', '2026-03-29T01:30Z'],
    ],
    [
      'every half hour, through the hour that comes twice',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-10-25T00:20Z',
      ['2026-10-25T00:30Z', '2026-10-25T01:00Z', '2026-10-25T01:30Z', '2026-10-25T02:00Z'],
    ],
    [
      'at midnight before and after the short day',
      '0 0 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['2026-03-28T23:00Z', '2026-03-29T22:00Z'],
    ],
    [
      'at midnight before and after the long day',
      '0 0 * * *',
      'America/New_York',
      '2026-10-31T12:00Z',
      ['2026-11-01T04:00Z', '2026-11-02T05:00Z'],
    ],
    [
      'on the weekday of its own zone, which is another day in UTC',
      '0 23 * * 6',
      'America/New_York',
      '2026-10-30T12:00Z',
      ['2026-11-01T03:00Z', '2026-11-08T04:00Z'],
    ],
  ])('%s', (_name, expression, timeZone, from, expected) => {
    let now = at(from)
    const times = expected.map(() => {
      const next = nextSyncAt(cron(expression, timeZone), now, now)
      now = next.getTime()
      return next.toISOString()
    })
    expect(times).toEqual(expected.map((time) => new Date(time).toISOString()))
  })

  it.each(['2026-03-29T00:30Z', '2026-10-25T00:30Z', '2026-03-08T06:30Z', '2026-11-01T05:30Z'])(
    'after as many minutes as ever, where it is an interval (%s)',
    (from) => {
      const schedule: Schedule = { ...interval, interval_minutes: 90, time_zone: 'Europe/Berlin' }
      expect(nextSyncAt(schedule, at(from), at(from)).getTime() - at(from)).toBe(90 * 60_000)
    },
  )
})
