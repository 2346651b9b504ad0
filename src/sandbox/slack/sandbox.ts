import { Hono } from 'hono'
import { createAuthorizationServer, type AuthorizationServer } from '../oauth/authorization-server.ts'
import { findAccount } from '../oauth/control.ts'
import { randomToken } from '../oauth/random.ts'
import type { SandboxEnv, SandboxFactory } from '../provider.ts'
import { apiRoutes } from './api.ts'
import { errors, refusal, tokenErrors } from './errors.ts'
import { installationOf, installations, type Installation } from './installations.ts'
import { tokenAnswer } from './token-answer.ts'
import { TokenForms } from './token-forms.ts'
import { Workspace } from './workspace.ts'

const botScopes = ['chat:write', 'chat:write.public', 'chat:write.customize', 'commands', 'users:read', 'users:read.email']
const moreBotScopes = ['channels:read', 'groups:read', 'im:read', 'mpim:read', 'im:write', 'mpim:write', 'team:read']
const userScopes = ['chat:write', 'users:read', 'users:read.email', 'channels:read', 'groups:read', 'team:read']

/** How long a used refresh token goes on working. Slack says "a short while". */
const graceSeconds = 60

/** Slack: installing an app, and the Web API's lists. https://docs.slack.dev/authentication/installing-with-oauth */
export const createSandbox: SandboxFactory = async ({ clock, clients, statePath }) => {
  const accounts = [...installations.values()].map(({ account }) => account)
  const workspaces = new Map<Installation, Workspace>()
  const workspaceOf = (installation: Installation) => {
    const workspace = workspaces.get(installation) ?? new Workspace(installation)
    workspaces.set(installation, workspace)
    return workspace
  }
  const forms = new TokenForms({
    isLive: (token) => oauth.verify(token).state === 'live',
    end: (token) => void oauth.endToken(token),
  })
  const oauth: AuthorizationServer = await createAuthorizationServer({
    name: 'Slack',
    clock,
    clients,
    accounts,
    statePath: statePath('slack-oauth.json'),
    paths: { authorize: '/slack.com/oauth/v2/authorize', token: '/slack.com/api/oauth.v2.access' },
    lines: [
      {
        name: 'bot',
        scopes: { parameter: 'scope', known: [...botScopes, ...moreBotScopes] },
        accessToken: { type: 'opaque', make: (subject) => forms.bot(subject) },
        makeRefreshToken: () => `xoxe-1-${randomToken()}`,
      },
      {
        name: 'user',
        scopes: { parameter: 'user_scope', known: userScopes },
        accessToken: { type: 'opaque', make: () => forms.user() },
        makeRefreshToken: () => `xoxe-1-${randomToken()}`,
      },
    ],
    scopeSeparator: ',',
    tokens: { accessTokenSeconds: 43_200, refreshTokens: { kind: 'single-use', graceSeconds } },
    tokensWithoutRotation: { accessTokenSeconds: null, refreshTokens: { kind: 'none' } },
    pkce: 'refused',
    usualGrantType: 'authorization_code',
    // Scopes add up: an installation is widened, never narrowed.
    grants: 'shared',
    authorize: { responseTypeOptional: true, errors: 'page' },
    tokenAnswer: (answer) => {
      forms.keepTwo(answer)
      return tokenAnswer(answer)
    },
    errorAnswer: ({ reason }) => ({ status: 200, body: refusal(tokenErrors[reason]) }),
  })
  const { configure } = oauth.control
  configure({ rotation: false })

  const routes = new Hono<SandboxEnv>()
  routes.route('/', oauth.routes)
  routes.route('/', apiRoutes({ oauth, clock, workspaceOf }))
  return {
    id: 'slack',
    hosts: ['slack.com'],
    routes,
    observe: oauth.observe,
    admin: new Hono<SandboxEnv>(),
    errors,
    controls: {
      slack: {
        ...oauth.control,
        configure: (settings) => {
          forms.rotation = settings.rotation ?? forms.rotation
          configure(settings)
        },
        fill: (name, count) => workspaceOf(installationOf(findAccount(accounts, name).name)).fill(count),
      },
    },
    flush: () => oauth.flush(),
    close: () => oauth.flush(),
  }
}
