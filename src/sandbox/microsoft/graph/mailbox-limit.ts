import type { MiddlewareHandler } from 'hono'
import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { bearerToken } from '../../oauth/bearer.ts'
import { jsonAnswer, type SandboxEnv } from '../../provider.ts'
import type { SandboxClock } from '../../clock.ts'
import { throttled } from './graph-error.ts'

// https://learn.microsoft.com/graph/throttling-limits#outlook-service-limits
const mostAtOnce = 4
const retryAfterSeconds = 1

/** Refuses the fifth request to a mailbox while four are under way. */
export function mailboxLimit(oauth: Pick<AuthorizationServer, 'verify'>, clock: SandboxClock): MiddlewareHandler<SandboxEnv> {
  const underWay = new Map<string, number>()

  return async (c, next) => {
    const verified = oauth.verify(bearerToken(c.req.header('authorization')) ?? '')
    const mailbox = verified.state === 'live' ? verified.token.account : null
    if (mailbox === null || !c.req.path.startsWith('/graph.microsoft.com/v1.0/me/calendars')) return next()
    const before = underWay.get(mailbox) ?? 0
    if (before >= mostAtOnce) return jsonAnswer(throttled({ 'retry-after': String(retryAfterSeconds) }).answer(clock.now()))
    underWay.set(mailbox, before + 1)
    try {
      return await next()
    } finally {
      underWay.set(mailbox, (underWay.get(mailbox) ?? 1) - 1)
    }
  }
}
