import { defineProvider } from '../define.ts'
import { CalendarList, CalendarListEntry } from './answers.ts'
import { reason, reasons, retryAfterMs } from './errors.ts'
import { limits } from './limits.ts'

/**
 * Google Calendar. Facts from https://developers.google.com/identity/protocols/oauth2/web-server and the Calendar API reference. It is
 * the same app at Google as Google Drive's: one consent of a user covers both, and revoking it ends both.
 */
export const provider = defineProvider({
  id: 'google-calendar',
  name: 'Google Calendar',
  docs: 'https://developers.google.com/workspace/calendar/api/v3/reference',
  auth: {
    issuer: 'https://accounts.google.com',
    // Google sends `iss`, and promises it nowhere: a missing one is tolerated, a wrong one refused.
    issuerInResponse: false,
    authorizeUrl: 'https://accounts.google.com/o/oauth2/v2/auth',
    tokenUrl: 'https://oauth2.googleapis.com/token',
    revocation: { by: 'token', url: 'https://oauth2.googleapis.com/revoke', ends: 'grant' },
    // Calendars and events in one: Google lets users untick each scope by itself, and a half of the pair is of no use.
    scopes: ['https://www.googleapis.com/auth/calendar.readonly'],
    // Without `offline` there is no refresh token, and without `consent` none the second time.
    authorizeParams: { access_type: 'offline', prompt: 'consent', include_granted_scopes: 'true' },
    clientAuth: 'body',
    pkce: true,
    usedRefreshToken: 'valid',
    lifetimeIfUnsaid: 3600,
    env: { clientId: 'GOOGLE_CLIENT_ID', clientSecret: 'GOOGLE_CLIENT_SECRET', redirectUri: 'GOOGLE_REDIRECT_URI' },
  },
  api: { baseUrl: 'https://www.googleapis.com/calendar/v3', reason, reasons, retryAfterMs, limits },
  account: {
    // Its id is the account's address.
    request: { path: '/users/me/calendarList/primary' },
    read: (body) => {
      const { id } = CalendarListEntry.parse(body)
      return { id, label: id }
    },
  },
  lists: {
    /** The calendars that the account has in its list, without those that it hides. */
    calendars: {
      request: (cursor) => ({
        path: '/users/me/calendarList',
        // 250 is the most. https://developers.google.com/workspace/calendar/api/v3/reference/calendarList/list
        query: { maxResults: '250', pageToken: cursor ?? undefined },
      }),
      read: (body) => {
        const { items, nextPageToken } = CalendarList.parse(body)
        return {
          items: items.map(({ id, summary, summaryOverride }) => ({ id, label: summaryOverride ?? summary ?? id })),
          next: nextPageToken ?? null,
        }
      },
    },
  },
  streams: {},
})
