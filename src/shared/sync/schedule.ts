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
  // A date that never comes, such as 30 February.
  return nextTime(schedule, new Date(now)) ?? new Date(now + 365 * 24 * 3600_000)
}

/** A run must be able to end: a time zone that Postgres knows and this runtime does not is read as UTC. */
function nextTime({ schedule_cron, time_zone }: Schedule, from: Date): Date | null {
  try {
    return new Cron(schedule_cron, { timezone: time_zone, paused: true }).nextRun(from)
  } catch {
    return new Cron(schedule_cron, { timezone: 'UTC', paused: true }).nextRun(from)
  }
}
