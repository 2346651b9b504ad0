import { defineProvider } from '../define.ts'
import { readAccount } from './account.ts'
import { ConversationsList, Failure, UsersList } from './answers.ts'
import { listOfWorkspaces } from './lists.ts'
import { reasons } from './reasons.ts'
import { readTokenAnswer } from './token-answer.ts'

// Slack may leave out Retry-After. https://github.com/slackapi/node-slack-sdk/issues/1421
const defaultWaitMs = 30_000

/** Slack. Facts from https://docs.slack.dev/authentication/installing-with-oauth and https://docs.slack.dev/reference/methods. */
export const provider = defineProvider({
  id: 'slack',
  name: 'Slack',
  docs: 'https://docs.slack.dev/apis/web-api',
  auth: {
    issuer: 'https://slack.com',
    issuerInResponse: false,
    authorizeUrl: 'https://slack.com/oauth/v2/authorize',
    tokenUrl: 'https://slack.com/api/oauth.v2.access',
    revocation: { by: 'request', request: { method: 'POST', path: '/auth.revoke', repeatable: true }, ends: 'grant' },
    // The bot's. Those of the person who installs are asked for apart: one is enough for a token that says who that is.
    scopes: ['chat:write', 'commands', 'users:read', 'users:read.email', 'channels:read'],
    scopeSeparator: ',',
    authorizeParams: { user_scope: 'users:read' },
    clientAuth: 'body',
    // It would make the app a public client, for good. https://docs.slack.dev/authentication/using-pkce
    pkce: false,
    // Where rotation is on; elsewhere there is none. https://docs.slack.dev/authentication/using-token-rotation
    usedRefreshToken: 'grace',
    lifetimeIfUnsaid: 'unlimited',
    readTokenAnswer,
    env: { clientId: 'SLACK_CLIENT_ID', clientSecret: 'SLACK_CLIENT_SECRET', redirectUri: 'SLACK_REDIRECT_URI' },
  },
  api: {
    baseUrl: 'https://slack.com/api',
    reason: (body) => Failure.safeParse(body).data?.error,
    reasons,
    retryAfterMs: ({ status, body }) => {
      const reason = Failure.safeParse(body).data?.error
      return status === 429 || (reason !== undefined && reasons[reason] === 'rate_limited') ? defaultWaitMs : undefined
    },
  },
  account: { request: { path: '/auth.test' }, read: readAccount },
  lists: {
    users: listOfWorkspaces({
      path: '/users.list',
      query: {},
      read: (body) => {
        const { members, response_metadata } = UsersList.parse(body)
        // Slackbot says of itself that it is no bot.
        const people = members.filter(({ id, deleted, is_bot }) => !deleted && !is_bot && id !== 'USLACKBOT')
        return {
          items: people.map(({ id, name, real_name }) => ({ id, label: real_name || name || id })),
          next: response_metadata?.next_cursor,
        }
      },
    }),
    channels: listOfWorkspaces({
      path: '/conversations.list',
      query: { types: 'public_channel', exclude_archived: 'true' },
      read: (body) => {
        const { channels, response_metadata } = ConversationsList.parse(body)
        return {
          items: channels.map(({ id, name }) => ({ id, label: name ? `#${name}` : id })),
          next: response_metadata?.next_cursor,
        }
      },
    }),
  },
  streams: {},
})
