import { defineProvider } from '../define.ts'
import { Companies, Me } from './answers.ts'
import { nextPage } from './link-header.ts'
import { procoreReason, rateLimitResetMs } from './refusals.ts'

/** Procore. Facts from https://developers.procore.com/documentation and its OpenAPI description. */
export const provider = defineProvider({
  id: 'procore',
  name: 'Procore',
  docs: 'https://developers.procore.com/documentation',
  // https://developers.procore.com/documentation/development-environments. Each has accounts and data of its own; the monthly sandbox
  // takes the production app's client id, the developer sandbox has another.
  variables: {
    PROCORE_ENVIRONMENT: {
      default: 'production',
      choices: {
        production: { LOGIN_HOST: 'login.procore.com', API_HOST: 'api.procore.com' },
        sandbox: { LOGIN_HOST: 'login-sandbox.procore.com', API_HOST: 'sandbox.procore.com' },
        monthly: { LOGIN_HOST: 'login-sandbox-monthly.procore.com', API_HOST: 'api-monthly.procore.com' },
      },
    },
  },
  auth: {
    // Procore sends no `iss`; this is what it would be.
    issuer: /^https:\/\/login(-sandbox(-monthly)?)?\.procore\.com$/,
    issuerInResponse: false,
    authorizeUrl: 'https://{LOGIN_HOST}/oauth/authorize',
    tokenUrl: 'https://{LOGIN_HOST}/oauth/token',
    // Ends the access token and the refresh token issued with it.
    revocation: { by: 'token', url: 'https://{LOGIN_HOST}/oauth/revoke', ends: 'token' },
    // Procore has none: a connection may do what its user may do.
    scopes: [],
    clientAuth: 'body',
    // The documentation does not know it.
    pkce: false,
    usedRefreshToken: 'dead',
    lifetimeIfUnsaid: 5400,
    env: { clientId: 'PROCORE_CLIENT_ID', clientSecret: 'PROCORE_CLIENT_SECRET', redirectUri: 'PROCORE_REDIRECT_URI' },
  },
  api: {
    baseUrl: 'https://{API_HOST}',
    reason: procoreReason,
    reasons: {
      app_not_connected: 'not_installed',
      company_header_missing: 'rejected',
      access_token_invalid: 'unauthorized',
    },
    retryAfterMs: ({ headers }, now) => rateLimitResetMs(headers, now),
  },
  account: {
    // Without a company there is no name in it.
    request: { path: '/rest/v1.0/me' },
    read: (body) => {
      const { id, login, name } = Me.parse(body)
      return { id, label: login ?? name ?? id }
    },
  },
  lists: {
    companies: {
      request: (cursor) => ({
        path: '/rest/v1.0/companies',
        query: cursor === null ? { page: '1', per_page: '100' } : Object.fromEntries(new URLSearchParams(cursor)),
      }),
      read: (body, { headers, cursor }) => ({
        items: Companies.parse(body).map(({ id, name }) => ({ id, label: name })),
        next: nextPage(headers, cursor),
      }),
    },
  },
  tenant: { list: 'companies', header: 'Procore-Company-Id' },
  streams: {},
})
