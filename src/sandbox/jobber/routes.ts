import { Hono, type Context } from 'hono'
import type { SandboxClock } from '../clock.ts'
import type { AuthorizationServer, LiveToken } from '../oauth/authorization-server.ts'
import { bearerToken } from '../oauth/bearer.ts'
import { jsonAnswer, type ErrorAnswer, type SandboxEnv } from '../provider.ts'
import type { Businesses } from './businesses.ts'
import { CostBucket, queryCost } from './cost.ts'
import { disconnected, throttled, tokenNotRecognized } from './errors.ts'
import { checkQuery, hiddenFields, QueryRequest, runQuery, type CheckedQuery } from './query.ts'
import { resolvers } from './resolvers.ts'
import type { Versions } from './versions.ts'

interface ApiParts {
  businesses: Businesses
  oauth: AuthorizationServer
  versions: Versions
  clock: SandboxClock
}

/** The API: one address. Facts from https://developer.getjobber.com/docs/using_jobbers_api */
export function jobberRoutes({ businesses, oauth, versions, clock }: ApiParts): Hono<SandboxEnv> {
  const routes = new Hono<SandboxEnv>()
  const buckets = new Map<string, CostBucket>()

  routes.post('/api.getjobber.com/api/graphql', async (c) => {
    const request = await readRequest(c)
    // Forms have been refused since April 2024; how is not documented.
    if (request === undefined) return jsonAnswer({ status: 400, body: { message: 'Bad request' } })
    const asker = findAsker(c)
    if ('status' in asker) return jsonAnswer(asker)
    const versioning = versions.answering(c.req.header('x-jobber-graphql-version'))
    const query = checkQuery(request)
    if ('errors' in query) return graphqlAnswer({ errors: query.errors, extensions: { versioning } })
    if (asker.token === null) return graphqlAnswer({ ...hiddenFields(query.checked), extensions: { versioning } })
    const { extensions, ...answer } = await run(query.checked, asker.token, c.get('itemLimit'))
    return graphqlAnswer({ ...answer, extensions: { ...extensions, versioning } })
  })
  return routes

  /** Null: the request shows no token at all, which GraphQL answers itself. */
  function findAsker(c: Context<SandboxEnv>): { token: LiveToken | null } | ErrorAnswer {
    const value = bearerToken(c.req.header('authorization'))
    if (value === undefined) return { token: null }
    const verified = oauth.verify(value)
    if (verified.state === 'live') return { token: verified.token }
    return verified.state === 'revoked' ? disconnected : tokenNotRecognized
  }

  async function run(
    query: CheckedQuery,
    { account, clientId }: LiveToken,
    itemLimit: number | undefined,
  ): Promise<{ extensions: object }> {
    const [administrator, app] = [account ?? '', clientId ?? '']
    const key = JSON.stringify([administrator, app])
    const bucket = buckets.get(key) ?? new CostBucket(clock)
    buckets.set(key, bucket)
    const requested = queryCost(query.document, query.variables)
    if (!bucket.allows(requested)) return throttled(bucket.spend(requested, 0))

    const disconnect = () => {
      for (const grant of oauth.grants(administrator)) if (grant.clientId === app) oauth.endGrant(grant.id)
    }
    const { root, returned } = resolvers({ business: businesses.of(administrator), appName: app, itemLimit, disconnect })
    const result = await runQuery(query, root)
    const cost = bucket.spend(requested, queryCost(query.document, query.variables, returned.items))
    return { ...result, extensions: { cost } }
  }
}

/** Undefined when it is not JSON, or not that of a query. */
async function readRequest(c: Context<SandboxEnv>): Promise<QueryRequest | undefined> {
  if (!c.req.header('content-type')?.startsWith('application/json')) return undefined
  return QueryRequest.safeParse(await c.req.json().catch(() => undefined)).data
}

function graphqlAnswer(body: object): Response {
  return jsonAnswer({ status: 200, body })
}
