import { z } from 'zod'

// Answers of https://docs.slack.dev/reference/methods, and what Slack posts to an app. Each answer's schema is named after its method;
// one that fits several methods after the first, with the others said.

/** `ok: false`, with any HTTP status. */
export const Failure = z.object({ ok: z.literal(false), error: z.string().min(1).catch('unknown_error') })

const answer = z.object({ ok: z.boolean() })
const paging = { response_metadata: z.object({ next_cursor: z.string().nullish() }).nullish() }

/** The token of the person who installed the app; without one when no user scope was asked for. */
export const AuthedUser = z.looseObject({ id: z.string().nullish(), access_token: z.string() })
const Place = z.object({ id: z.string(), name: z.string().nullish() }).nullish()
const tokens = {
  access_token: z.string().nullish(),
  token_type: z.string().nullish(),
  /** Separated by commas. */
  scope: z.string().nullish(),
  /** The next two with token rotation only. */
  refresh_token: z.string().nullish(),
  /** Seconds. */
  expires_in: z.number().nullish(),
}
/** Of `oauth.v2.exchange` too. */
export const OauthV2Access = answer.extend({
  ...tokens,
  app_id: z.string().nullish(),
  bot_user_id: z.string().nullish(),
  /** Null when the app was installed for a whole organization. */
  team: Place,
  /** Null outside Enterprise Grid. */
  enterprise: Place,
  is_enterprise_install: z.boolean().nullish(),
  authed_user: z.object({ id: z.string(), ...tokens }).nullish(),
})
/** The form before `oauth.v2.access`. */
export const OauthAccess = answer.extend({
  access_token: z.string().nullish(),
  scope: z.string().nullish(),
  team_id: z.string().nullish(),
  team_name: z.string().nullish(),
  bot: z.object({ bot_user_id: z.string(), bot_access_token: z.string() }).nullish(),
})
export const OpenidConnectToken = answer.extend({ access_token: z.string().nullish(), id_token: z.string().nullish() })
export const OpenidConnectUserInfo = answer.extend({ sub: z.string(), email: z.string().nullish(), name: z.string().nullish() })

export const AuthTest = answer.extend({
  team: z.string().nullish(),
  /** Of the organization, or missing, when the app was installed for all of it: not said anywhere. */
  team_id: z.string().nullish(),
  user_id: z.string(),
  /** With a bot's token only. */
  bot_id: z.string().nullish(),
  enterprise_id: z.string().nullish(),
  is_enterprise_install: z.boolean().nullish(),
})
/** The workspaces that an organization's app may use. */
export const AuthTeamsList = answer.extend({
  teams: z.array(z.object({ id: z.string(), name: z.string().nullish() })),
  ...paging,
})
export const AuthRevoke = answer.extend({ revoked: z.boolean().nullish() })
export const AppsUninstall = answer
export const TeamInfo = answer.extend({ team: z.object({ id: z.string(), name: z.string(), domain: z.string().nullish() }) })
export const BotsInfo = answer.extend({
  bot: z.object({ id: z.string(), app_id: z.string().nullish(), name: z.string().nullish() }),
})

/** Most fields are missing once the user is deleted. */
const User = z.object({
  id: z.string(),
  team_id: z.string().nullish(),
  name: z.string().nullish(),
  real_name: z.string().nullish(),
  deleted: z.boolean().nullish(),
  is_bot: z.boolean().nullish(),
  /** `email` only with the scope `users:read.email`, and never for bots. */
  profile: z.object({ email: z.string().nullish(), display_name: z.string().nullish() }).nullish(),
})
export const UsersList = answer.extend({ members: z.array(User), ...paging })
/** Of `users.lookupByEmail` and `users.identity` too. */
export const UsersInfo = answer.extend({ user: User })
export const UsersProfileGet = answer.extend({ profile: z.object({ email: z.string().nullish() }) })

/** Direct messages have no name. */
const Channel = z.object({
  id: z.string(),
  name: z.string().nullish(),
  is_archived: z.boolean().nullish(),
  is_private: z.boolean().nullish(),
  is_member: z.boolean().nullish(),
})
/** Of `users.conversations` too. */
export const ConversationsList = answer.extend({ channels: z.array(Channel), ...paging })
/** Of `conversations.join` too. */
export const ConversationsInfo = answer.extend({ channel: Channel })
export const ConversationsOpen = ConversationsInfo.extend({ already_open: z.boolean().nullish() })
export const ConversationsMembers = answer.extend({ members: z.array(z.string()), ...paging })

/** Of `chat.update` and `chat.delete` too. `ts` is a message's key within its channel, and no number: its digits must stay as they are. */
export const ChatPostMessage = answer.extend({ channel: z.string(), ts: z.string() })
export const ChatPostEphemeral = answer.extend({ message_ts: z.string() })
export const ViewsOpen = answer.extend({ view: z.object({ id: z.string(), hash: z.string().nullish() }) })

/** A form, as an object; `is_enterprise_install` is then text. https://docs.slack.dev/interactivity/implementing-slash-commands */
export const SlashCommand = z.object({
  command: z.string(),
  text: z.string(),
  user_id: z.string(),
  channel_id: z.string(),
  team_id: z.string(),
  enterprise_id: z.string().nullish(),
  is_enterprise_install: z.union([z.boolean(), z.stringbool()]).nullish(),
  response_url: z.string(),
  trigger_id: z.string(),
})

/** The form field `payload`. https://docs.slack.dev/reference/interaction-payloads */
export const InteractionPayload = z.object({
  type: z.string(),
  team: Place,
  enterprise: Place,
  user: z.object({ id: z.string() }),
  channel: z.object({ id: z.string() }).nullish(),
  response_url: z.string().nullish(),
  trigger_id: z.string().nullish(),
  callback_id: z.string().nullish(),
})

/** A request of the Events API. https://docs.slack.dev/apis/events-api */
export const EventCallback = z.object({
  type: z.string(),
  team_id: z.string().nullish(),
  enterprise_id: z.string().nullish(),
  api_app_id: z.string(),
  /** The same when the delivery is repeated. */
  event_id: z.string(),
  /** Seconds since the epoch. */
  event_time: z.number(),
  event: z.looseObject({ type: z.string() }),
})
/** `event` of `tokens_revoked`: whose tokens, not which. */
export const TokensRevoked = z.object({
  type: z.literal('tokens_revoked'),
  tokens: z.object({ oauth: z.array(z.string()).nullish(), bot: z.array(z.string()).nullish() }),
})
/** Itself the request, or the `event` of one: sources differ. */
export const AppRateLimited = z.object({
  type: z.literal('app_rate_limited'),
  team_id: z.string(),
  /** Seconds since the epoch. */
  minute_rate_limited: z.number(),
  api_app_id: z.string(),
})
