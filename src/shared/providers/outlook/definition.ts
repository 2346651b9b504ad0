import { defineProvider } from '../define.ts'
import { CalendarPage, GraphError, Me } from './answers.ts'
import { readTokenAnswer } from './token-answer.ts'

const login = 'https://login.microsoftonline.com/{MICROSOFT_TENANT_ID}/oauth2/v2.0'
const tenant =
  /^(?:common|organizations|consumers|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:[a-z0-9-]{1,63}\.)+[a-z]{2,63})$/i
const scopes = ['offline_access', 'User.Read', 'Calendars.Read']

/** Outlook calendars. Facts from https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow and https://learn.microsoft.com/graph. */
export const provider = defineProvider({
  id: 'outlook',
  name: 'Outlook',
  docs: 'https://learn.microsoft.com/graph/api/resources/calendar',
  // Which accounts may sign in: it must agree with the app's "supported account types".
  variables: { MICROSOFT_TENANT_ID: { default: 'common', pattern: tenant } },
  auth: {
    // Microsoft sends no `iss` so far. With `common`, it would be that of the account's own tenant.
    issuer: /^https:\/\/login\.microsoftonline\.com\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/v2\.0$/,
    issuerInResponse: false,
    authorizeUrl: `${login}/authorize`,
    tokenUrl: `${login}/token`,
    scopes,
    silentScopes: ['offline_access'],
    // Otherwise whoever is signed in to Microsoft in this browser is connected without being asked which account it is to be.
    authorizeParams: { response_mode: 'query', prompt: 'select_account' },
    clientAuth: 'body',
    pkce: true,
    // "Refresh tokens aren't revoked when used to acquire new access tokens." https://learn.microsoft.com/entra/identity-platform/refresh-tokens
    usedRefreshToken: 'valid',
    // They live 60 to 90 minutes. https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes
    lifetimeIfUnsaid: 3600,
    readTokenAnswer: (body) => readTokenAnswer(body, scopes),
    env: { clientId: 'MICROSOFT_CLIENT_ID', clientSecret: 'MICROSOFT_CLIENT_SECRET', redirectUri: 'MICROSOFT_REDIRECT_URI' },
  },
  api: {
    baseUrl: 'https://graph.microsoft.com/v1.0',
    // Some services write it in another case, and with throttling and failures it may be `UnknownError`: then the status says what it is.
    reason: (body) => GraphError.safeParse(body).data?.error.code,
    // https://learn.microsoft.com/graph/errors
    reasons: {
      InvalidAuthenticationToken: 'unauthorized',
      ApplicationThrottled: 'rate_limited',
      TooManyRequests: 'rate_limited',
      InternalServerError: 'unavailable',
      ErrorInternalServerError: 'unavailable',
      ServiceUnavailable: 'unavailable',
      serviceNotAvailable: 'unavailable',
      // One calendar that is no longer shared must not end the connection: missing scopes are found when it is made.
      ErrorAccessDenied: 'forbidden',
      // An account without a mailbox in Exchange Online; it comes as 404, and at times as 401 or 403.
      MailboxNotEnabledForRESTAPI: 'forbidden',
      ErrorItemNotFound: 'not_found',
      // The position in the change feed is no longer good: what reads the feed begins again.
      SyncStateNotFound: 'rejected',
      syncStateNotFound: 'rejected',
      SyncStateInvalid: 'rejected',
      syncStateInvalid: 'rejected',
      ResyncRequired: 'rejected',
      resyncRequired: 'rejected',
      BadRequest: 'rejected',
      InvalidRequest: 'rejected',
      ErrorInvalidRequest: 'rejected',
      ErrorInvalidIdMalformed: 'rejected',
      ErrorIrresolvableConflict: 'rejected',
      'RequestBroker--ParseUri': 'rejected',
    },
    // https://learn.microsoft.com/graph/throttling-limits
    limits: [
      { name: 'global', per: 'app', amount: 130_000, periodMs: 10_000, cost: () => 1 },
      { name: 'mailbox', per: 'account', amount: 10_000, periodMs: 600_000, cost: () => 1 },
    ],
  },
  account: {
    request: { path: '/me', query: { $select: 'id,displayName,mail,userPrincipalName' } },
    read: (body) => {
      const me = Me.parse(body)
      return { id: me.id, label: me.mail ?? me.userPrincipalName ?? me.displayName ?? me.id }
    },
  },
  lists: {
    /** All calendars of the account, those that others share with it included. */
    calendars: {
      // The address of the next page is used as it is. https://learn.microsoft.com/graph/paging
      request: (cursor) => (cursor === null ? { path: '/me/calendars', query: { $top: '100' } } : { path: cursor }),
      read: (body) => {
        const page = CalendarPage.parse(body)
        return {
          items: page.value.map(({ id, name }) => ({ id, label: name ?? id })),
          next: page['@odata.nextLink'] ?? null,
        }
      },
    },
  },
  streams: {},
})
