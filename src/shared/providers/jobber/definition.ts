import { defineProvider } from '../define.ts'
import { Account, ClientPage } from './answers.ts'
import { encodedIdNumber } from './encoded-id.ts'
import { accountQuery, clientsQuery, disconnectMutation } from './queries.ts'
import { apiVersion, jobberReason, schemaErrors, throttledMs } from './refusals.ts'
import { jobberTokenAnswer } from './token-answer.ts'

const httpsUrl = /^https:\/\/[\w.-]+(:\d+)?(\/[\w./-]*)?$/

/** Jobber. Facts from https://developer.getjobber.com/docs and the schema of the version that is asked for. */
export const provider = defineProvider({
  id: 'jobber',
  name: 'Jobber',
  docs: 'https://developer.getjobber.com/docs',
  variables: {
    JOBBER_API_URL: { default: 'https://api.getjobber.com/api/graphql', pattern: httpsUrl },
    JOBBER_TOKENS_URL: { default: 'https://api.getjobber.com/api/oauth/token', pattern: httpsUrl },
  },
  auth: {
    // Jobber sends no `iss`; this is what it would be.
    issuer: 'https://api.getjobber.com',
    issuerInResponse: false,
    authorizeUrl: 'https://api.getjobber.com/api/oauth/authorize',
    tokenUrl: '{JOBBER_TOKENS_URL}',
    // There is no revocation endpoint. The mutation takes no argument: it disconnects the account from the app, whoever of the account's
    // people connected it. https://developer.getjobber.com/docs/building_your_app/app_authorization
    revocation: { by: 'request', request: disconnectMutation, ends: 'grant' },
    // Chosen when the app is registered, never asked for.
    scopes: [],
    clientAuth: 'body',
    // The documentation does not know it.
    pkce: false,
    // Where the app has rotation switched off it stays valid: nobody can know, so nobody relies on it.
    usedRefreshToken: 'dead',
    lifetimeIfUnsaid: 'jwt',
    readTokenAnswer: jobberTokenAnswer,
    env: { clientId: 'JOBBER_CLIENT_ID', clientSecret: 'JOBBER_CLIENT_SECRET', redirectUri: 'JOBBER_REDIRECT_URI' },
  },
  api: {
    baseUrl: '{JOBBER_API_URL}',
    headers: { 'X-JOBBER-GRAPHQL-VERSION': apiVersion },
    reason: jobberReason,
    reasons: {
      THROTTLED: 'rate_limited',
      query_too_expensive: 'contract',
      UNAUTHENTICATED: 'unauthorized',
      token_not_recognized: 'unauthorized',
      // The refresh token decides: it is refused as well.
      disconnected: 'unauthorized',
      account_inactive: 'reconnect',
      service_unavailable: 'unavailable',
      hidden: 'forbidden',
      invalid_variable: 'rejected',
      user_errors: 'rejected',
      version_not_served: 'contract',
      graphql_error: 'contract',
      ...schemaErrors,
    },
    retryAfterMs: ({ body }) => throttledMs(body),
    // What a query costs is known once it is answered, so it is left to the answer.
    // https://developer.getjobber.com/docs/using_jobbers_api/api_rate_limits
    limits: [{ name: 'requests', per: 'account', amount: 2500, periodMs: 300_000, cost: () => 1 }],
  },
  account: {
    request: accountQuery,
    read: (body) => {
      const { id, name } = Account.parse(body).data.account
      // As webhooks have it, whichever form they write it in.
      return { id: encodedIdNumber(id), label: name }
    },
  },
  lists: {
    clients: {
      request: clientsQuery,
      read: (body) => {
        const { nodes, pageInfo } = ClientPage.parse(body).data.clients
        const items = nodes.map(({ id, name }) => ({ id, label: name }))
        return { items, next: pageInfo.hasNextPage ? pageInfo.endCursor : null }
      },
    },
  },
  streams: {},
})
