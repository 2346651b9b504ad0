import { calendarScopes } from './calendar/scopes.ts'

const drive = 'https://www.googleapis.com/auth/drive'

const driveScopes = [
  drive,
  `${drive}.readonly`,
  `${drive}.metadata`,
  `${drive}.metadata.readonly`,
  `${drive}.file`,
  `${drive}.appdata`,
  `${drive}.apps.readonly`,
  `${drive}.meet.readonly`,
  `${drive}.photos.readonly`,
  `${drive}.scripts`,
]

/** Every scope that an app can ask for here. */
export const knownScopes: ReadonlySet<string> = new Set([
  ...driveScopes,
  ...calendarScopes,
  'openid',
  'email',
  'profile',
  'https://www.googleapis.com/auth/userinfo.email',
  'https://www.googleapis.com/auth/userinfo.profile',
])

/** What the administrator of example.com lets the service account ask for in a user's name. */
export const delegatedScopes: ReadonlySet<string> = new Set([
  drive,
  `${drive}.readonly`,
  `${drive}.metadata`,
  `${drive}.metadata.readonly`,
])

/** What the consent page says a scope allows. */
export function describeScope(scope: string): string {
  const name = scope.split('/').at(-1) ?? scope
  switch (name) {
    case 'drive':
      return 'See, edit, create and delete all of your Google Drive files'
    case 'drive.readonly':
      return 'See and download all your Google Drive files'
    case 'drive.metadata.readonly':
      return 'See information about your Google Drive files'
    case 'drive.file':
      return 'See, edit, create and delete only the Google Drive files that you use with this app'
    case 'calendar':
      return 'See, edit, share, and permanently delete all the calendars you can access using Google Calendar'
    case 'calendar.readonly':
      return 'See and download any calendar you can access using your Google Calendar'
    case 'openid':
    case 'email':
    case 'userinfo.email':
      return 'See your primary Google Account email address'
    default:
      return name
  }
}

/** Scopes by what a method needs; any one of them is enough. From the API's discovery document. */
export const accepts = {
  about: [
    drive,
    `${drive}.appdata`,
    `${drive}.file`,
    `${drive}.metadata`,
    `${drive}.metadata.readonly`,
    `${drive}.photos.readonly`,
    `${drive}.readonly`,
  ],
  read: [
    drive,
    `${drive}.appdata`,
    `${drive}.file`,
    `${drive}.meet.readonly`,
    `${drive}.metadata`,
    `${drive}.metadata.readonly`,
    `${drive}.photos.readonly`,
    `${drive}.readonly`,
  ],
  write: [drive, `${drive}.appdata`, `${drive}.file`],
  update: [drive, `${drive}.appdata`, `${drive}.file`, `${drive}.metadata`, `${drive}.scripts`],
  drives: [drive, `${drive}.readonly`],
} as const

/** True when the app sees only the files that it made itself. */
export function seesOwnFilesOnly(scopes: readonly string[]): boolean {
  return scopes.filter((scope) => driveScopes.includes(scope)).every((scope) => scope === `${drive}.file`)
}
