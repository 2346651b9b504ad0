import { Hono } from 'hono'
import type { SandboxEnv, SandboxFactory } from '../provider.ts'
import { CalendarLists } from './calendar/calendar-lists.ts'
import { calendarControl } from './calendar/control.ts'
import { calendarRoutes } from './calendar/routes.ts'
import { driveAdminRoutes } from './drive/admin-routes.ts'
import { ChangeChannels } from './drive/change-channels.ts'
import { driveControl } from './drive/control.ts'
import { driveFileControl } from './drive/file-control.ts'
import { openDrive } from './drive/open-drive.ts'
import { driveRoutes } from './drive/routes.ts'
import { apiHost, googleErrors } from './google-errors.ts'
import { authorizeHost, createGoogleOAuth, tokenHost } from './oauth/google-oauth.ts'
import { loadServiceAccountKey } from './oauth/service-account-key.ts'

/** Google: sign-in, tokens, Drive and Calendar. */
export const createSandbox: SandboxFactory = async (options) => {
  const { clock, deliveries, statePath } = options
  // The key takes as long to make as the tree takes to scan.
  const [key, { store, journal }] = await Promise.all([
    loadServiceAccountKey(statePath('google-service-account.json')),
    openDrive(options),
  ])
  const oauth = await createGoogleOAuth(options, key)
  const channels = await ChangeChannels.open({ store, clock, deliveries, path: statePath('google-channels.json') })
  const calendars = new CalendarLists()

  const routes = new Hono<SandboxEnv>()
  routes.route('/', oauth.routes)
  routes.route('/', calendarRoutes(calendars, oauth))
  routes.route('/', driveRoutes(store, oauth, clock, channels))
  const admin = new Hono<SandboxEnv>()
  admin.get('/service-account.json', (c) => c.json(key.file))
  admin.get('/channels', (c) => c.json({ live: channels.live() }))
  admin.route('/', driveAdminRoutes(store, clock))

  const flush = async () => {
    await Promise.all([oauth.flush(), journal?.flush(), channels.flush()])
  }
  return {
    id: 'google',
    hosts: [authorizeHost, tokenHost, apiHost],
    routes,
    observe: oauth.observe,
    admin,
    errors: googleErrors,
    controls: {
      'google-drive': driveControl(oauth.control, store, clock),
      'google-calendar': calendarControl(oauth.control, calendars),
    },
    files: { google_drive: driveFileControl(store, clock) },
    flush,
    async close() {
      await flush()
      await journal?.close()
    },
  }
}
