import { z } from 'zod'
import { defineProvider } from '../define.ts'
import { reason } from '../google-calendar/errors.ts'
import { FileList } from './answers.ts'
import { fileStream } from './file-stream.ts'
import { onlyFolders } from './items.ts'
import { limits } from './limits.ts'

/** Google Drive. Facts from https://developers.google.com/identity/protocols/oauth2/web-server and the Drive API reference. */
export const provider = defineProvider({
  id: 'google-drive',
  name: 'Google Drive',
  docs: 'https://developers.google.com/workspace/drive/api/reference/rest/v3',
  auth: {
    issuer: 'https://accounts.google.com',
    // Google sends `iss`, and promises it nowhere: a missing one is tolerated, a wrong one refused.
    issuerInResponse: false,
    authorizeUrl: 'https://accounts.google.com/o/oauth2/v2/auth',
    tokenUrl: 'https://oauth2.googleapis.com/token',
    // It ends the user's whole consent to this app, for every Google API.
    revocation: { by: 'token', url: 'https://oauth2.googleapis.com/revoke', ends: 'grant' },
    // Names, places and sizes are all that is stored: no scope that could read a file's content.
    scopes: ['https://www.googleapis.com/auth/drive.metadata.readonly'],
    // Without `offline` there is no refresh token, and without `consent` none the second time.
    authorizeParams: { access_type: 'offline', prompt: 'consent', include_granted_scopes: 'true' },
    clientAuth: 'body',
    pkce: true,
    usedRefreshToken: 'valid',
    lifetimeIfUnsaid: 3600,
    env: { clientId: 'GOOGLE_CLIENT_ID', clientSecret: 'GOOGLE_CLIENT_SECRET', redirectUri: 'GOOGLE_REDIRECT_URI' },
    serviceAccount: { env: 'CONNECTOR_GOOGLE_DRIVE_CREDENTIALS' },
  },
  api: {
    baseUrl: 'https://www.googleapis.com/drive/v3',
    reason,
    // Most of them come as 403. https://developers.google.com/workspace/drive/api/guides/handle-errors
    reasons: {
      userRateLimitExceeded: 'rate_limited',
      rateLimitExceeded: 'rate_limited',
      dailyLimitExceeded: 'rate_limited',
      insufficientPermissions: 'missing_scope',
      ACCESS_TOKEN_SCOPE_INSUFFICIENT: 'missing_scope',
      // Of a notification address; it comes as 401, and no token is at fault.
      'push.webhookUrlUnauthorized': 'rejected',
    },
    limits,
  },
  account: {
    request: { path: '/about', query: { fields: 'user(displayName,emailAddress,permissionId)' } },
    read: (body) => {
      const { user } = About.parse(body)
      return { id: user.permissionId, label: user.emailAddress ?? user.displayName }
    },
  },
  lists: {
    /**
     * Folders of My Drive, and those that are shared with the account: what `folder_id` takes. Shared drives are not among them:
     * `drives.list` demands a scope that reads contents.
     */
    folders: {
      request: (cursor) => ({
        path: '/files',
        query: {
          q: `${onlyFolders} and trashed = false`,
          pageSize: '1000',
          fields: 'kind,nextPageToken,files(id,name,mimeType)',
          pageToken: cursor ?? undefined,
        },
      }),
      read: (body) => {
        const { files, nextPageToken } = FileList.parse(body)
        return { items: files.map(({ id, name }) => ({ id, label: name })), next: nextPageToken ?? null }
      },
    },
  },
  streams: { google_drive: fileStream },
})

const About = z.object({
  user: z.object({
    permissionId: z.string(),
    displayName: z.string(),
    // Absent when the account hides it.
    emailAddress: z.string().optional(),
  }),
})
