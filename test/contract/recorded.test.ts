import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Sql } from 'postgres'
import type { z } from 'zod'
import { type ErrorCode, PatchbayError } from '../../src/shared/errors.ts'
import { exchangeCode } from '../../src/shared/oauth/client.ts'
import * as autodesk from '../../src/shared/providers/autodesk/answers.ts'
import * as calendar from '../../src/shared/providers/google-calendar/answers.ts'
import * as jobber from '../../src/shared/providers/jobber/answers.ts'
import * as outlook from '../../src/shared/providers/outlook/answers.ts'
import * as procore from '../../src/shared/providers/procore/answers.ts'
import { findProvider } from '../../src/shared/providers/registry.ts'
import * as slack from '../../src/shared/providers/slack/answers.ts'
import { completeEnv, createRuntime } from '../oauth/support.ts'
import { tokenAnswer } from './oauth.ts'
import { violations } from './operation.ts'
import { recordedDir, specsAreMissing } from './specs.ts'

/** Which schema reads a recorded file, by what its path begins with; or why none does. The first row that fits counts. */
type Row = [path: string, reads: z.ZodType | ((recorded: Recorded) => unknown) | { not: string }]

/** A file's JSON; `body`, where it was kept with its status. */
interface Recorded {
  json: unknown
  body: unknown
}

const source = { not: 'says where the files come from' }

const rows: readonly Row[] = [
  ['autodesk/SOURCE.txt', source],
  ['autodesk/acc-folder-contents.json', autodesk.FolderContents],
  ['autodesk/acc-topFolders.json', autodesk.TopFolders],
  ['autodesk/delete-file-POST-versions-request.json', { not: 'a request, and one that changes something' }],
  ['autodesk/delete-file-POST-versions-response.json', autodesk.CreatedVersion],
  ['autodesk/error-403-dm.json', reasonOf('autodesk')],
  ['autodesk/webhook-', autodesk.VersionEvent],
  ['google-calendar/allodia/calendar/calendars.json', calendar.CalendarList],
  ['google-calendar/allodia/calendar/event_', calendar.CalendarEvent],
  ['google-calendar/allodia/calendar/events_', calendar.EventList],
  ['google-calendar/allodia/error/', reasonOf('google-calendar')],
  ['jobber/SOURCE.txt', source],
  ['jobber/graphql-extensions-', jobber.GraphqlAnswer],
  ['jobber/graphql-', reasonOf('jobber')],
  ['jobber/oauth-token-', tokensOf('jobber', jobber.TokenBody)],
  ['jobber/webhook-', jobber.Webhook],
  ['microsoft-graph/allodia/calendar/calendar.json', outlook.Calendar],
  ['microsoft-graph/allodia/calendar/calendars.json', outlook.CalendarPage],
  ['microsoft-graph/allodia/calendar/event_', outlook.CalendarEvent],
  ['microsoft-graph/allodia/calendar/events_delta.json', outlook.EventDeltaPage],
  ['microsoft-graph/allodia/error/', reasonOf('outlook')],
  ['microsoft-graph/allodia/me.json', outlook.Me],
  ['oauth/SOURCE.txt', source],
  // Read, so its code is sent on: to nobody, here.
  ['oauth/google-callback.json', callbackOf('google-calendar', 'provider_unreachable')],
  ['oauth/microsoft-callback-cancel.json', callbackOf('outlook', 'access_denied')],
  ['oauth/google-token-invalid_grant', tokensOf('google-calendar', calendar.TokenError)],
  ['oauth/google-token-', tokensOf('google-calendar', calendar.TokenGrant)],
  ['oauth/microsoft-token-code.json', tokensOf('outlook', outlook.TokenGrant)],
  ['oauth/microsoft-token-700082.json', tokensOf('outlook', outlook.TokenError)],
  ['oauth/slack-429.json', reasonOf('slack')],
  ['oauth/slack-token-error.json', tokensOf('slack', slack.Failure)],
  ['oauth/slack-token-', tokensOf('slack', slack.OauthV2Access)],
  ['procore/SOURCE.txt', source],
  ['procore/companies-list-item.json', procore.Company],
  ['procore/company-project-regions.json', procore.ProjectRegions],
  ['procore/company-user-', procore.CompanyUser],
  ['procore/company-vendor-list-item.json', procore.Vendor],
  ['procore/project-vendor-list-item.json', procore.Vendor],
  ['procore/documents-list-folders.json', procore.Documents],
  ['procore/project-or-company-people-item.json', procore.Person],
  ['procore/settings-permissions.json', procore.Permissions],
  ['procore/submittal-statuses.json', procore.SubmittalStatuses],
  ['procore/trade.json', procore.Trade],
  ['slack/java-slack-sdk/api/apps.uninstall.json', slack.AppsUninstall],
  ['slack/java-slack-sdk/api/auth.revoke.json', slack.AuthRevoke],
  ['slack/java-slack-sdk/api/auth.test.json', slack.AuthTest],
  ['slack/java-slack-sdk/api/bots.info.json', slack.BotsInfo],
  ['slack/java-slack-sdk/api/chat.postEphemeral.json', slack.ChatPostEphemeral],
  ['slack/java-slack-sdk/api/chat.', slack.ChatPostMessage],
  ['slack/java-slack-sdk/api/conversations.info.json', slack.ConversationsInfo],
  ['slack/java-slack-sdk/api/conversations.join.json', slack.ConversationsInfo],
  ['slack/java-slack-sdk/api/conversations.list.json', slack.ConversationsList],
  ['slack/java-slack-sdk/api/conversations.members.json', slack.ConversationsMembers],
  ['slack/java-slack-sdk/api/conversations.open.json', slack.ConversationsOpen],
  ['slack/java-slack-sdk/api/oauth.access.json', slack.OauthAccess],
  ['slack/java-slack-sdk/api/oauth.v2.', slack.OauthV2Access],
  ['slack/java-slack-sdk/api/openid.connect.token.json', slack.OpenidConnectToken],
  ['slack/java-slack-sdk/api/openid.connect.userInfo.json', slack.OpenidConnectUserInfo],
  ['slack/java-slack-sdk/api/team.info.json', slack.TeamInfo],
  ['slack/java-slack-sdk/api/users.conversations.json', slack.ConversationsList],
  ['slack/java-slack-sdk/api/users.identity.json', slack.UsersInfo],
  ['slack/java-slack-sdk/api/users.info.json', slack.UsersInfo],
  ['slack/java-slack-sdk/api/users.list.json', slack.UsersList],
  ['slack/java-slack-sdk/api/users.lookupByEmail.json', slack.UsersInfo],
  ['slack/java-slack-sdk/api/users.profile.get.json', slack.UsersProfileGet],
  ['slack/java-slack-sdk/api/views.open.json', slack.ViewsOpen],
  ['slack/java-slack-sdk/app-backend/interactive-components/', slack.InteractionPayload],
  ['slack/java-slack-sdk/app-backend/slash-commands/', slack.SlashCommand],
  [
    'slack/java-slack-sdk/events/AppRateLimitedPayload.json',
    ({ json }) => slack.AppRateLimited.parse(slack.EventCallback.parse(json).event),
  ],
  [
    'slack/java-slack-sdk/events/TokensRevokedPayload.json',
    ({ json }) => slack.TokensRevoked.parse(slack.EventCallback.parse(json).event),
  ],
  ['slack/java-slack-sdk/events/', slack.EventCallback],
]

describe('what was recorded of providers', () => {
  it('is read by our schemas, every file of it', async (ctx) => {
    const missing = specsAreMissing()
    ctx.skip(missing !== undefined, missing)
    const problems = recordedFiles().map(async (path) => {
      const row = rows.find(([begin]) => path.startsWith(begin))
      return row === undefined ? [`${path}: is in no row of the table`] : read(path, row[1])
    })
    expect((await Promise.all(problems)).flat()).toEqual([])
  })

  it('is what the table speaks of', (ctx) => {
    const missing = specsAreMissing()
    ctx.skip(missing !== undefined, missing)
    const files = recordedFiles()
    const first = (path: string) => rows.findIndex(([begin]) => path.startsWith(begin))
    const used = new Set(files.map(first))
    expect(rows.filter((_row, index) => !used.has(index)).map(([begin]) => begin)).toEqual([])
  })
})

async function read(path: string, reads: Row[1]): Promise<string[]> {
  if ('not' in reads) return []
  try {
    const json: unknown = JSON.parse(readFileSync(join(recordedDir, path), 'utf8'))
    const body = typeof json === 'object' && json !== null && 'body' in json ? json.body : json
    await ('parse' in reads ? reads.parse(json) : reads({ json, body }))
    return []
  } catch (error) {
    return [`${path}: ${error instanceof Error ? error.message : String(error)}`]
  }
}

/** Authorization responses, as the provider sent the browser back with them: they end with the error `code`. */
function callbackOf(providerId: string, code: ErrorCode): (recorded: Recorded) => Promise<void> {
  return async ({ json }) => {
    const definition = findProvider(providerId)
    const { clientId, clientSecret } = definition.auth.env
    const env = { ...completeEnv(), [clientId]: 'client', [clientSecret]: 'secret' }
    // Nothing of it is for the database.
    const runtime = createRuntime(undefined as unknown as Sql, env, { fetch: () => Promise.reject(new Error('offline')) })
    const response = { parameters: new URLSearchParams((json as { query: string }).query), state: 'S', requireIssuer: false }
    const exchange = exchangeCode(runtime, definition, {
      ...response,
      redirectUri: 'https://app.example',
      codeVerifier: 'v'.repeat(43),
    })
    const failure: unknown = await exchange.catch((error: unknown) => error)
    if (!(failure instanceof PatchbayError) || failure.code !== code) throw failure
  }
}

/** The provider's error answers: its definition has to know the reason, and what it means. */
function reasonOf(providerId: string): (recorded: Recorded) => void {
  return ({ body }) => {
    const { api } = findProvider(providerId)
    const reason = api.reason(body)
    if (reason === undefined) throw new Error('the definition finds no reason in it')
  }
}

/** Answers of the provider's token endpoint: as their schema reads them, and as the definition turns them into RFC 6749's. */
function tokensOf(providerId: string, schema: z.ZodType): (recorded: Recorded) => void {
  return ({ body }) => {
    schema.parse(body)
    const { readTokenAnswer } = findProvider(providerId).auth
    const answer = readTokenAnswer?.(body as Record<string, unknown>) ?? { token: body as Record<string, unknown> }
    if ('error' in answer || 'error' in answer.token) return
    const problems = violations(tokenAnswer, answer.token)
    if (problems.length > 0) throw new Error(problems.join(', '))
  }
}

function recordedFiles(): string[] {
  const entries = readdirSync(recordedDir, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(recordedDir.length + 1))
    .toSorted()
}
