import { join } from 'node:path'
import { Hono } from 'hono'
import type { SandboxClock } from '../clock.ts'
import type { SandboxEnv, SandboxProvider } from '../provider.ts'
import { StateFile } from '../state-file.ts'
import { AccountChoice, newTokenStats, TokenSettings, type TokenStats } from './admin-contract.ts'
import { driveAdminRoutes } from './drive/admin-routes.ts'
import { openDrive } from './drive/open-drive.ts'
import { driveRoutes } from './drive/routes.ts'
import { googleErrors } from './google-errors.ts'
import { AuthorizationCodes } from './oauth/authorization-codes.ts'
import { authorizeRoutes } from './oauth/authorize.ts'
import { defaultClient, type OAuthClient } from './oauth/clients.ts'
import { loadServiceAccountKey, type ServiceAccountKey } from './oauth/service-account-key.ts'
import { countTokenRequests, tokenRoutes } from './oauth/token-endpoint.ts'
import { TokenStore } from './oauth/token-store.ts'

interface GoogleOptions {
  clock: SandboxClock
  root?: string
  copies?: number
  extras?: boolean
  stateDir?: string
  clients?: readonly OAuthClient[]
}

/** Google: sign-in, tokens, and Drive. */
export async function createGoogle({ clock, clients = [defaultClient], ...drive }: GoogleOptions): Promise<SandboxProvider> {
  const inState = (name: string) => (drive.stateDir === undefined ? undefined : join(drive.stateDir, name))
  const tokenFile = inState('google-oauth.json')
  // The key takes as long to make as the tree takes to scan.
  const [key, tokens, { store, journal }] = await Promise.all([
    loadServiceAccountKey(inState('google-service-account.json')),
    TokenStore.load(clock, tokenFile === undefined ? null : new StateFile(tokenFile)),
    openDrive({ clock, ...drive }),
  ])
  const codes = new AuthorizationCodes(clock)
  const stats = newTokenStats()
  const byId = new Map(clients.map((client) => [client.clientId, client]))

  const routes = new Hono<SandboxEnv>()
  routes.route('/', authorizeRoutes({ clients: byId, codes, tokens }))
  routes.route('/', tokenRoutes({ clients: byId, codes, tokens, key, clock }))
  routes.route('/', driveRoutes(store, tokens, clock))
  const admin = accountAdminRoutes(key, tokens, stats)
  admin.route('/', driveAdminRoutes(store, clock))

  const flush = async () => {
    await Promise.all([tokens.flush(), journal?.flush()])
  }
  return {
    id: 'google',
    hosts: ['accounts.google.com', 'oauth2.googleapis.com', 'www.googleapis.com'],
    routes,
    observe: countTokenRequests(stats),
    admin,
    errors: googleErrors,
    flush,
    async close() {
      await flush()
      await journal?.close()
    },
  }
}

function accountAdminRoutes(key: ServiceAccountKey, tokens: TokenStore, stats: TokenStats): Hono<SandboxEnv> {
  const admin = new Hono<SandboxEnv>()
  admin.get('/service-account.json', (c) => c.json(key.file))
  admin.get('/token-stats', (c) => c.json(stats))
  admin.post('/tokens', async (c) => {
    tokens.accessTokenSeconds = TokenSettings.parse(await c.req.json()).accessTokenSeconds
    return c.body(null, 204)
  })
  admin.post('/expire-access-tokens', (c) => {
    tokens.expireAccessTokens()
    return c.body(null, 204)
  })
  admin.post('/revoke-grant', async (c) => {
    const { account } = AccountChoice.parse(await c.req.json())
    return c.json({ revoked: tokens.revokeAccount(account) })
  })
  return admin
}
