import { defineProvider } from '../define.ts'
import { ApiError, UserInfo } from './answers.ts'
import { fileStream } from './file-stream.ts'
import { limits } from './limits.ts'
import { projectsPage, projectsRequest } from './projects.ts'
import { reasons } from './reasons.ts'

/** Autodesk Construction Cloud. Facts from https://aps.autodesk.com/en/docs/oauth/v2 and https://aps.autodesk.com/en/docs/data/v2. */
export const provider = defineProvider({
  id: 'autodesk',
  name: 'Autodesk',
  docs: 'https://aps.autodesk.com/en/docs/data/v2',
  auth: {
    issuer: 'https://developer.api.autodesk.com',
    issuerInResponse: false,
    authorizeUrl: 'https://developer.api.autodesk.com/authentication/v2/authorize',
    tokenUrl: 'https://developer.api.autodesk.com/authentication/v2/token',
    revocation: { by: 'token', url: 'https://developer.api.autodesk.com/authentication/v2/revoke', ends: 'token' },
    scopes: ['data:read', 'account:read', 'user-profile:read'],
    // Basic only: credentials in the header and in the body at once are refused.
    clientAuth: 'basic',
    pkce: true,
    // https://aps.autodesk.com/en/docs/oauth/v2/developers_guide/refresh-token
    usedRefreshToken: 'dead',
    lifetimeIfUnsaid: 'jwt',
    env: {
      clientId: 'CONNECTOR_AUTODESK_CLIENT_ID',
      clientSecret: 'CONNECTOR_AUTODESK_CLIENT_SECRET',
      redirectUri: 'CONNECTOR_AUTODESK_REDIRECT_URI',
    },
    clientCredentials: { scopes: ['data:read', 'account:read'] },
  },
  api: {
    baseUrl: 'https://developer.api.autodesk.com',
    otherHosts: ['api.userprofile.autodesk.com'],
    reason: (body) => ApiError.safeParse(body).data,
    reasons,
    limits,
  },
  account: {
    request: { path: 'https://api.userprofile.autodesk.com/userinfo' },
    read: (body) => {
      const { sub, email, name, preferred_username } = UserInfo.parse(body)
      return { id: sub, label: email ?? name ?? preferred_username ?? sub }
    },
  },
  lists: { projects: { request: projectsRequest, read: projectsPage } },
  streams: { autodesk_construction_cloud: fileStream },
})
