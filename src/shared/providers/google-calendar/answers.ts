import { z } from 'zod'

// Answers of https://developers.google.com/workspace/calendar/api/v3/reference. Google leaves out what has its default value.

/**
 * https://developers.google.com/workspace/calendar/api/v3/reference/calendarList. One that was removed has its id and `deleted` only, no
 * name and no role.
 */
export const CalendarListEntry = z.object({
  id: z.string().min(1),
  summary: z.string().optional(),
  /** What the account itself calls it. */
  summaryOverride: z.string().optional(),
  timeZone: z.string().optional(),
  accessRole: z.string().optional(),
  primary: z.boolean().optional(),
  hidden: z.boolean().optional(),
  deleted: z.boolean().optional(),
})

/** GET /users/me/calendarList. `kind` is demanded, so that an answer which happens to be {} is not taken for the end of the list. */
export const CalendarList = z.object({
  kind: z.literal('calendar#calendarList'),
  nextPageToken: z.string().min(1).optional(),
  nextSyncToken: z.string().optional(),
  items: z.array(CalendarListEntry).default([]),
})

/** A day (`date`), or an instant (`dateTime`, with an offset) and the zone it was planned in. */
const EventTime = z.object({
  date: z.iso.date().optional(),
  dateTime: z.iso.datetime({ offset: true }).optional(),
  timeZone: z.string().optional(),
})
const Person = z.object({ email: z.string().optional(), displayName: z.string().optional(), self: z.boolean().optional() })

/**
 * https://developers.google.com/workspace/calendar/api/v3/reference/events. One that was deleted may have no more than its id and the
 * status `cancelled`.
 */
export const CalendarEvent = z.object({
  id: z.string().min(1),
  status: z.enum(['confirmed', 'tentative', 'cancelled']).optional(),
  etag: z.string().optional(),
  /** Absent where the account sees only that the time is taken, and where nobody has given a name. */
  summary: z.string().optional(),
  description: z.string().optional(),
  location: z.string().optional(),
  htmlLink: z.string().optional(),
  created: z.iso.datetime({ offset: true }).optional(),
  updated: z.iso.datetime({ offset: true }).optional(),
  start: EventTime.optional(),
  /** Exclusive. */
  end: EventTime.optional(),
  iCalUID: z.string().optional(),
  recurrence: z.array(z.string()).optional(),
  recurringEventId: z.string().optional(),
  originalStartTime: EventTime.optional(),
  organizer: Person.optional(),
  attendees: z.array(Person.extend({ responseStatus: z.string().optional() })).optional(),
  eventType: z.string().optional(),
  transparency: z.string().optional(),
  visibility: z.string().optional(),
  hangoutLink: z.string().optional(),
})

/** GET /calendars/{id}/events. `nextSyncToken` is on the last page only. */
export const EventList = z.object({
  kind: z.literal('calendar#events'),
  timeZone: z.string().optional(),
  nextPageToken: z.string().min(1).optional(),
  nextSyncToken: z.string().optional(),
  items: z.array(CalendarEvent).default([]),
})

/**
 * An error. The reason of the first detail is the one that counts; newer answers may have it in `details` instead.
 * https://developers.google.com/workspace/calendar/api/guides/errors
 */
export const ErrorBody = z.object({
  error: z.object({
    message: z.string().nullish(),
    errors: z.array(z.object({ reason: z.string().nullish() })).nullish(),
    details: z.array(z.object({ reason: z.string().nullish() })).nullish(),
  }),
})

/** What the token endpoint grants. A refresh has no refresh token; `refresh_token_expires_in` says that the app is in testing. */
export const TokenGrant = z.object({
  access_token: z.string().min(1),
  token_type: z.string(),
  expires_in: z.number().positive(),
  scope: z.string().optional(),
  refresh_token: z.string().min(1).optional(),
  refresh_token_expires_in: z.number().optional(),
})

/** An error of the token endpoint. */
export const TokenError = z.object({ error: z.string().min(1), error_description: z.string().nullish() })
