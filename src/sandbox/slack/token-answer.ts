import type { OauthV2AccessResponse } from '@slack/web-api'
import type { IssuedToken } from '../oauth/authorization-server.ts'
import type { TokenAnswer } from '../oauth/token-answer.ts'
import { installationOf, type Installation } from './installations.ts'

// The types have no null, where Slack sends one: `team` of an organization, `enterprise` of a workspace on its own.
type Answer = Omit<OauthV2AccessResponse, 'team' | 'enterprise'> &
  Readonly<Record<'team' | 'enterprise', OauthV2AccessResponse['team'] | null>>

const appId = 'A06HPB4CH'

/**
 * An answer of `oauth.v2.access`: the bot's token at the top level and the user's in `authed_user`, either of which may be missing; after
 * a refresh, the one that was refreshed is at the top level. https://docs.slack.dev/reference/methods/oauth.v2.access
 */
export function tokenAnswer({ grantType, grant, tokens, scopeSeparator }: TokenAnswer): object {
  const installation = installationOf(grant?.account ?? null)
  const place = placeOf(installation)
  const parts = (token: IssuedToken) => tokenParts(token, scopeSeparator)
  const bot = tokens.find(({ line }) => line === 'bot')
  const user = tokens.find(({ line }) => line === 'user')
  const botParts = bot && { ...parts(bot), bot_user_id: installation.botUserId }
  if (grantType === 'refresh_token') {
    return { ok: true, ...botParts, ...(user && parts(user)), ...place } satisfies Answer
  }
  return {
    ok: true,
    ...botParts,
    ...place,
    authed_user: { id: installation.person.id, ...(user && parts(user)) },
  } satisfies Answer
}

function tokenParts({ line, accessToken, scopes, expiresIn, refreshToken }: IssuedToken, separator: string) {
  return {
    access_token: accessToken,
    token_type: line,
    scope: scopes.join(separator),
    // With rotation only.
    ...(expiresIn !== undefined && { expires_in: expiresIn }),
    ...(refreshToken !== undefined && { refresh_token: refreshToken }),
  }
}

function placeOf({ workspace, enterprise, orgWide }: Installation) {
  return {
    app_id: appId,
    team: orgWide ? null : { id: workspace.id, name: workspace.name },
    enterprise: enterprise && { id: enterprise.id, name: enterprise.name },
    is_enterprise_install: orgWide,
  }
}
