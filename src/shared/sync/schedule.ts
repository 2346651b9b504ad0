import { Cron } from 'croner'

export interface Schedule {
  schedule_type: 'interval' | 'cron'
  /** Five fields. */
  schedule_cron: string
  interval_minutes: number | null
  /** IANA name; intervals do not use it. */
  time_zone: string
}

/** When an endpoint is due next, after a run that began at `startedAt` (milliseconds since the epoch). Never before `now`. */
export function nextSyncAt(schedule: Schedule, startedAt: number, now: number): Date {
  if (schedule.schedule_type === 'interval') {
    return new Date(Math.max(now, startedAt + (schedule.interval_minutes ?? 5) * 60_000))
  }
  const next = new Cron(schedule.schedule_cron, { timezone: schedule.time_zone, paused: true }).nextRun(new Date(now))
  // A date that never comes, such as 30 February.
  return next ?? new Date(now + 365 * 24 * 3600_000)
}
