import { Hono } from 'hono'
import type { SandboxEnv, SandboxFactory } from '../provider.ts'
import { microsoftErrors } from './errors.ts'
import { mailboxLimit } from './graph/mailbox-limit.ts'
import { Mailboxes } from './graph/mailboxes.ts'
import { graphRoutes } from './graph/routes.ts'
import { identityPlatform } from './identity-platform.ts'
import { findPerson } from './people.ts'
import { signInRules } from './sign-in-rules.ts'

/** Microsoft: sign-in, tokens, and Graph's calendars. */
export const createSandbox: SandboxFactory = async (options) => {
  const { clock } = options
  const oauth = await identityPlatform(options)
  const mailboxes = new Mailboxes()
  const limit = mailboxLimit(oauth, clock)

  const routes = new Hono<SandboxEnv>()
  routes.route('/', signInRules(clock))
  routes.route('/', oauth.routes)
  routes.route('/', graphRoutes(mailboxes, oauth, clock))

  return {
    id: 'microsoft',
    hosts: ['login.microsoftonline.com', 'graph.microsoft.com'],
    routes,
    observe: (c, next) => (c.req.path.startsWith('/graph.') ? limit(c, next) : oauth.observe(c, next)),
    admin: new Hono<SandboxEnv>(),
    errors: microsoftErrors(clock),
    controls: {
      outlook: { ...oauth.control, fill: (account, count) => mailboxes.fill(findPerson(account), count) },
    },
    flush: () => oauth.flush(),
    close: () => oauth.flush(),
  }
}
