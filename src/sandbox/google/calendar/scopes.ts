const calendar = 'https://www.googleapis.com/auth/calendar'

/** Every scope of the Calendar API, from its discovery document. */
export const calendarScopes: readonly string[] = [
  calendar,
  `${calendar}.readonly`,
  `${calendar}.acls`,
  `${calendar}.acls.readonly`,
  `${calendar}.app.created`,
  `${calendar}.calendarlist`,
  `${calendar}.calendarlist.readonly`,
  `${calendar}.calendars`,
  `${calendar}.calendars.readonly`,
  `${calendar}.events`,
  `${calendar}.events.freebusy`,
  `${calendar}.events.owned`,
  `${calendar}.events.owned.readonly`,
  `${calendar}.events.public.readonly`,
  `${calendar}.events.readonly`,
  `${calendar}.freebusy`,
  `${calendar}.settings.readonly`,
]

const readsList = [calendar, `${calendar}.readonly`, `${calendar}.calendarlist`, `${calendar}.calendarlist.readonly`]

/** Scopes by what a method needs; any one of them is enough. */
export const accepts = { list: readsList, get: [...readsList, `${calendar}.app.created`] } as const
