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
