import { randomUUID } from 'node:crypto'
import { Hono, type Context } from 'hono'
import { requireToken, type BearerEnv, type BearerProblem } from '../oauth/bearer.ts'
import { jsonAnswer } from '../provider.ts'
import { refusal } from './errors.ts'
import { installationOf } from './installations.ts'
import { methods, type MethodParts } from './methods.ts'

const problems: Readonly<Record<BearerProblem, string>> = {
  missing: 'not_authed',
  unknown: 'invalid_auth',
  expired: 'token_expired',
  revoked: 'token_revoked',
}

/** The Web API: every method by GET and POST, every answer with status 200. https://docs.slack.dev/apis/web-api */
export function apiRoutes(parts: MethodParts): Hono<BearerEnv> {
  const routes = new Hono<BearerEnv>()
  const authorize = requireToken(parts.oauth, (problem, c) => answer(c, refusal(problems[problem])))
  for (const [name, { scope, run }] of Object.entries(methods)) {
    routes.on(['GET', 'POST'], `/slack.com/api/${name}`, authorize, async (c) => {
      const { token, itemLimit } = c.var
      const provided = token.scopes.join(',')
      const headers = { 'x-oauth-scopes': provided, ...(scope !== undefined && { 'x-accepted-oauth-scopes': scope }) }
      if (scope !== undefined && !token.scopes.includes(scope)) {
        return answer(c, refusal('missing_scope', { needed: scope, provided }), headers)
      }
      const call = { token, installation: installationOf(token.account), parameters: await parametersOf(c), itemLimit }
      return answer(c, run(call, parts), headers)
    })
  }
  routes.all('/slack.com/api/:method', (c) => answer(c, refusal('unknown_method', { req_method: c.req.param('method') })))
  return routes
}

// Of a JSON body, nothing: methods that read take none.
async function parametersOf(c: Context<BearerEnv>): Promise<ReadonlyMap<string, string>> {
  const form = c.req.method === 'POST' ? await c.req.parseBody() : {}
  const entries = Object.entries({ ...c.req.query(), ...form })
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== ''))
}

function answer(c: Context<BearerEnv>, body: object, headers: Readonly<Record<string, string>> = {}): Response {
  return jsonAnswer({
    status: 200,
    body: { ...body, ...charsetWarning(c, body) },
    headers: { 'cache-control': 'private, no-cache, no-store, must-revalidate', 'x-slack-req-id': randomUUID(), ...headers },
  })
}

// Slack takes JSON without a charset, and says each time that it would rather not.
function charsetWarning(c: Context<BearerEnv>, body: object): object {
  if (!/^application\/json$/i.test(c.req.header('content-type') ?? '')) return {}
  const metadata = 'response_metadata' in body && typeof body.response_metadata === 'object' ? body.response_metadata : {}
  return { warning: 'missing_charset', response_metadata: { ...metadata, warnings: ['missing_charset'] } }
}
