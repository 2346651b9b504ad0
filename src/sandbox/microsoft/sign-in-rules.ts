import { Hono, type MiddlewareHandler } from 'hono'
import type { SandboxClock } from '../clock.ts'
import { errorPage } from '../oauth/consent-page.ts'
import { uncachedAnswer } from '../oauth/oauth-error.ts'
import type { SandboxEnv } from '../provider.ts'
import { aadstsAnswer, unknownTenant } from './aadsts.ts'
import { consumers, people, tenants, type Person } from './people.ts'

const host = '/login.microsoftonline.com'

/** What the identity platform checks before anything else: the tenant of the address, and who may sign in there. */
export function signInRules(clock: SandboxClock): Hono<SandboxEnv> {
  const rules = new Hono<SandboxEnv>()
  rules.use(`${host}/:tenant/oauth2/v2.0/authorize`, knownTenant)
  rules.use(`${host}/:tenant/oauth2/v2.0/authorize/consent`, allowedAccount)

  rules.use(`${host}/:tenant/oauth2/v2.0/token`, async (c, next) => {
    const tenant = c.req.param('tenant')
    if (!isTenant(tenant)) return uncachedAnswer(aadstsAnswer(unknownTenant(tenant), clock.now()))
    // A browser is taken for a single-page app, which has no secret.
    if (c.req.header('origin') === undefined) return next()
    const text = "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type."
    return uncachedAnswer(aadstsAnswer({ number: 9002326, text, error: 'invalid_request' }, clock.now()))
  })
  return rules
}

const knownTenant: MiddlewareHandler<SandboxEnv> = async (c, next) => {
  const tenant = c.req.param('tenant') ?? ''
  if (isTenant(tenant)) return next()
  const { number, text } = unknownTenant(tenant)
  return c.html(errorPage(`AADSTS${number}`, text), 400)
}

// Microsoft says so on its own page, and the app hears nothing.
const allowedAccount: MiddlewareHandler<SandboxEnv> = async (c, next) => {
  const form = await c.req.formData().catch(() => new FormData())
  const person = people.find(({ address }) => address === form.get('account'))
  if (person === undefined || maySignIn(person, c.req.param('tenant') ?? '')) return next()
  const text = `User account '${person.address}' does not exist in this tenant and cannot access the application.`
  return c.html(errorPage('AADSTS50020', text), 400)
}

function isTenant(name: string): boolean {
  return (
    ['common', 'organizations', 'consumers'].includes(name) || tenants.some(({ id, domain }) => id === name || domain === name)
  )
}

function maySignIn({ tenant }: Person, name: string): boolean {
  if (name === 'common') return true
  if (name === 'organizations') return tenant !== consumers
  if (name === 'consumers') return tenant === consumers
  return tenant.id === name || tenant.domain === name
}
