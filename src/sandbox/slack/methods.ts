import type {
  AuthRevokeResponse,
  AuthTeamsListResponse,
  AuthTestResponse,
  ConversationsListResponse,
  UsersListResponse,
} from '@slack/web-api'
import type { SandboxClock } from '../clock.ts'
import type { AuthorizationServer, LiveToken } from '../oauth/authorization-server.ts'
import { refusal } from './errors.ts'
import { installations, type Installation } from './installations.ts'
import { pageOf } from './page.ts'
import type { Member, Workspace } from './workspace.ts'

/** What methods work with. */
export interface MethodParts {
  oauth: AuthorizationServer
  clock: SandboxClock
  workspaceOf: (installation: Installation) => Workspace
}

/** A call with a good token. */
interface Call {
  token: LiveToken
  installation: Installation
  parameters: ReadonlyMap<string, string>
  itemLimit: number | undefined
}

interface Method {
  /** The scope that the token must have. */
  scope?: string
  /** The body of the answer. */
  run: (call: Call, parts: MethodParts) => object
}

/** The methods that are simulated, by name. https://docs.slack.dev/reference/methods */
export const methods: Readonly<Record<string, Method>> = {
  'auth.test': { run: authTest },
  'auth.revoke': { run: authRevoke },
  'auth.teams.list': { run: authTeamsList },
  'users.list': { scope: 'users:read', run: usersList },
  'conversations.list': { scope: 'channels:read', run: conversationsList },
}

function authTest({ token, installation }: Call, { clock }: MethodParts): object {
  const { workspace, enterprise, orgWide, person, botUserId, botId } = installation
  const place = orgWide && enterprise ? { ...enterprise, domain: `${enterprise.domain}.enterprise` } : workspace
  return {
    ok: true,
    url: `https://${place.domain}.slack.com/`,
    team: place.name,
    team_id: place.id,
    ...(token.line === 'bot'
      ? { user: 'patchbay', user_id: botUserId, bot_id: botId }
      : { user: person.name, user_id: person.id }),
    ...(enterprise && { enterprise_id: enterprise.id }),
    is_enterprise_install: orgWide,
    ...(token.expiresAt !== null && { expires_in: Math.round((token.expiresAt - clock.now()) / 1000) }),
  } satisfies AuthTestResponse
}

/** Ends the app's whole authorization, not only the token. https://docs.slack.dev/reference/methods/auth.revoke */
function authRevoke({ token, parameters }: Call, { oauth }: MethodParts): object {
  const test = ['1', 'true'].includes(parameters.get('test') ?? '')
  const revoked = !test && token.grantId !== null && oauth.endGrant(token.grantId)
  return { ok: true, revoked } satisfies AuthRevokeResponse & { revoked: boolean }
}

/** https://docs.slack.dev/reference/methods/auth.teams.list */
function authTeamsList(call: Call): object {
  const teams = placesOf(call.installation).map(({ workspace: { id, name } }) => ({ id, name }))
  const page = pageOf(teams, pageRequest(call))
  if (page === undefined) return refusal('invalid_cursor')
  return {
    ok: true,
    teams: [...page.items],
    response_metadata: { next_cursor: page.nextCursor },
  } satisfies AuthTeamsListResponse
}

function usersList(call: Call, { workspaceOf, clock }: MethodParts): object {
  const place = placeOf(call)
  if ('problem' in place) return place.problem
  const page = pageOf(workspaceOf(place.installation).members, pageRequest(call))
  if (page === undefined) return refusal('invalid_cursor')
  const withEmail = call.token.scopes.includes('users:read.email')
  return {
    ok: true,
    members: page.items.map((member) => (withEmail ? member : withoutEmail(member))),
    cache_ts: Math.floor(clock.now() / 1000),
    response_metadata: { next_cursor: page.nextCursor },
  } satisfies UsersListResponse
}

function conversationsList(call: Call, { workspaceOf }: MethodParts): object {
  const place = placeOf(call)
  if ('problem' in place) return place.problem
  const types = (call.parameters.get('types') ?? 'public_channel').split(',')
  const known = ['public_channel', 'private_channel', 'mpim', 'im']
  if (types.some((type) => !known.includes(type))) return refusal('invalid_types')
  const page = pageOf(types.includes('public_channel') ? workspaceOf(place.installation).channels : [], {
    ...pageRequest(call),
    limit: call.parameters.get('limit') ?? '100',
  })
  if (page === undefined) return refusal('invalid_cursor')
  // After the page is cut: it may have fewer items than the limit, and still a next one.
  const hideArchived = call.parameters.get('exclude_archived') === 'true'
  return {
    ok: true,
    channels: page.items.filter(({ is_archived }) => !(hideArchived && is_archived)),
    response_metadata: { next_cursor: page.nextCursor },
  } satisfies ConversationsListResponse
}

/** A token of a whole organization has to say which workspace it means; for others, `team_id` says nothing new. */
function placeOf({ installation, parameters }: Call): { installation: Installation } | { problem: object } {
  if (!installation.orgWide) return { installation }
  const teamId = parameters.get('team_id')
  if (teamId === undefined) {
    const messages = ['[ERROR] missing required field: team_id']
    return { problem: refusal('missing_argument', { response_metadata: { messages } }) }
  }
  const place = placesOf(installation).find(({ workspace }) => workspace.id === teamId)
  return place ? { installation: place } : { problem: refusal('team_access_not_granted') }
}

/** Whose workspaces an installation reaches: an organization's all, its own first. */
function placesOf(installation: Installation): Installation[] {
  const { orgWide, enterprise } = installation
  if (!orgWide) return [installation]
  const others = [...installations.values()].filter((other) => other !== installation && other.enterprise === enterprise)
  return [installation, ...others]
}

function pageRequest({ parameters, itemLimit }: Call) {
  return { cursor: parameters.get('cursor'), limit: parameters.get('limit'), itemLimit }
}

function withoutEmail(member: Member): Member {
  const { email: _, ...profile } = member.profile ?? {}
  return { ...member, profile }
}
