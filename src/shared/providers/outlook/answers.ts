import { z } from 'zod'

// Answers of Microsoft Graph v1.0 and of the identity platform. Personal accounts and those of organisations differ in their ids and in
// what they leave out: only what is read is demanded. https://learn.microsoft.com/graph/api/overview

/** GET /me. `mail` is null for an account without a mailbox. https://learn.microsoft.com/graph/api/user-get */
export const Me = z.object({
  id: z.string().min(1),
  displayName: z.string().nullish(),
  mail: z.string().nullish(),
  userPrincipalName: z.string().nullish(),
})

/** https://learn.microsoft.com/graph/api/resources/calendar */
export const Calendar = z.object({
  id: z.string().min(1),
  name: z.string().nullish(),
  color: z.string().nullish(),
  hexColor: z.string().nullish(),
  isDefaultCalendar: z.boolean().nullish(),
  canEdit: z.boolean().nullish(),
  /** Someone else, for a calendar that is shared with the account. */
  owner: z.object({ name: z.string().nullish(), address: z.string().nullish() }).nullish(),
})

/** GET /me/calendars. A page may be empty and still have a next one. */
export const CalendarPage = z.object({
  value: z.array(Calendar),
  '@odata.nextLink': z.url().optional(),
})

/** `dateTime` has no offset: it is the wall clock in `timeZone`, a Windows or an IANA name. */
const WallTime = z.object({ dateTime: z.string(), timeZone: z.string() })
const Mailbox = z.object({ emailAddress: z.object({ name: z.string().nullish(), address: z.string().nullish() }).nullish() })

/**
 * https://learn.microsoft.com/graph/api/resources/event. In a delta page, an occurrence of a series has its times only, and what was
 * removed has no more than its id and `@removed`.
 */
export const CalendarEvent = z.object({
  id: z.string().min(1),
  '@removed': z.object({ reason: z.string() }).optional(),
  '@odata.etag': z.string().optional(),
  type: z.enum(['singleInstance', 'occurrence', 'exception', 'seriesMaster']).nullish(),
  seriesMasterId: z.string().nullish(),
  occurrenceId: z.string().nullish(),
  iCalUId: z.string().nullish(),
  subject: z.string().nullish(),
  bodyPreview: z.string().nullish(),
  isAllDay: z.boolean().nullish(),
  isCancelled: z.boolean().nullish(),
  sensitivity: z.string().nullish(),
  showAs: z.string().nullish(),
  start: WallTime.nullish(),
  end: WallTime.nullish(),
  originalStartTimeZone: z.string().nullish(),
  location: z.object({ displayName: z.string().nullish() }).nullish(),
  attendees: z
    .array(Mailbox.extend({ type: z.string().nullish(), status: z.object({ response: z.string().nullish() }).nullish() }))
    .nullish(),
  organizer: Mailbox.nullish(),
  recurrence: z.object({ pattern: z.object({ type: z.string() }), range: z.object({ type: z.string() }) }).nullish(),
  onlineMeeting: z.object({ joinUrl: z.string().nullish() }).nullish(),
  webLink: z.string().nullish(),
  createdDateTime: z.iso.datetime({ offset: true }).nullish(),
  lastModifiedDateTime: z.iso.datetime({ offset: true }).nullish(),
})

/** GET /me/calendars/{id}/calendarView/delta: one of the two links, the second on the last page. https://learn.microsoft.com/graph/delta-query-events */
export const EventDeltaPage = z.object({
  value: z.array(CalendarEvent),
  '@odata.nextLink': z.url().optional(),
  '@odata.deltaLink': z.url().optional(),
})

/** Only the code is read. https://learn.microsoft.com/graph/errors */
export const GraphError = z.object({ error: z.object({ code: z.string().min(1) }) })

/** An error of the token endpoint. `error_codes` has the numbers of the AADSTS codes. */
export const TokenError = z.object({
  error: z.string().min(1),
  error_description: z.string().nullish(),
  error_codes: z.array(z.number()).nullish(),
  suberror: z.string().nullish(),
})

/** What the token endpoint grants. A refresh may come without a new refresh token. */
export const TokenGrant = z.object({
  token_type: z.string(),
  access_token: z.string().min(1),
  expires_in: z.number().positive(),
  refresh_token: z.string().min(1).optional(),
  scope: z.string().optional(),
})
