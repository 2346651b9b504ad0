import { z } from 'zod'
import type { ErrorCode } from '../errors.ts'
import { PatchbayError } from '../errors.ts'
import { AuthorizeAnswer, AuthorizeRequest, beginConnection } from '../oauth/authorize.ts'
import { chooseTenant, disconnectIntegration, listIntegrations, requireOwnIntegration } from '../oauth/integrations.ts'
import { answerErrors } from '../http/judge-answer.ts'
import { originOf } from '../oauth/origin.ts'
import { refreshNow } from '../oauth/tokens.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import { listItems } from '../providers/lists.ts'
import { findProvider, providers } from '../providers/registry.ts'
import { readAccount } from '../providers/account.ts'
import { endpointRoutes } from './endpoint-routes.ts'
import { apiOf, meantIntegration, requireIntegration } from './integration.ts'
import { providerRequestPoints } from './limiter.ts'
import { type Call, type Route, route } from './route.ts'
import { Choice, IntegrationStatus, ProviderStatus, integrationStatus, providerStatus, scopesOf } from './status.ts'

const WhichOne = z.strictObject({
  integration_id: z
    .guid()
    .optional()
    .describe('Which of the integrations with this provider; may be left out when there is just one.'),
})

const ofProvider = ['unknown_provider', 'not_found'] as const satisfies ErrorCode[]

/** What a request to the provider can end with. */
const fromProvider = [
  ...ofProvider,
  'not_connected',
  'needs_reauth',
  'refresh_failed',
  'refresh_timeout',
  'client_rejected',
  'token_undecryptable',
] as const satisfies ErrorCode[]

const fromProviderApi: readonly ErrorCode[] = [...fromProvider, ...answerErrors]

/** The routes of the function `integrations`; all of them are a signed-in user's. */
export const routes: readonly Route[] = [
  route({
    method: 'get',
    path: '/',
    summary: 'Lists the integrations of this user, newest first.',
    input: z.strictObject({}),
    answer: z.object({ integrations: z.array(IntegrationStatus) }),
    errors: [],
    handle: async ({ runtime, user }) => {
      const rows = await listIntegrations(runtime.sql, user.id)
      const known = rows.flatMap((row) => {
        const definition = providers.find(({ id }) => id === row.provider)
        return definition ? [integrationStatus(definition, row, runtime.now())] : []
      })
      return { integrations: known }
    },
  }),

  route({
    method: 'get',
    path: '/:provider/status',
    summary: 'Says how this user stands with a provider. Of several integrations, none named: the newest that works.',
    input: WhichOne,
    answer: ProviderStatus,
    errors: ofProvider,
    handle: async (call, { integration_id: id }) => {
      const { runtime, user } = call
      const definition = providerOf(call)
      const named = id === undefined ? undefined : await requireOwnIntegration(runtime.sql, user.id, definition, id)
      const rows = await listIntegrations(runtime.sql, user.id, definition.id)
      return providerStatus(definition, rows, named, runtime.now())
    },
  }),

  route({
    method: 'get',
    path: '/:provider/me',
    summary: 'Asks the provider who the account is, with the stored token.',
    input: WhichOne,
    answer: Choice,
    errors: fromProviderApi,
    points: providerRequestPoints,
    handle: async (call, { integration_id: id }) => {
      const definition = providerOf(call)
      const integration = await requireIntegration(call, definition, id)
      const { grant_type: grantType, account_id: accountId, account_label: label } = integration
      // The account is the app itself, which the provider cannot be asked about.
      if (grantType === 'client_credentials') return { id: accountId, label: label ?? accountId }
      return readAccount(apiOf(call.runtime, definition, integration), definition)
    },
  }),

  route({
    method: 'get',
    path: '/:provider/lists/:name',
    summary: 'Lists what the account has to choose from, such as calendars, folders or companies.',
    input: WhichOne,
    answer: z.object({ items: z.array(Choice) }),
    errors: [...fromProviderApi, 'tenant_required'],
    points: providerRequestPoints,
    handle: async (call, { integration_id: id }) => {
      const definition = providerOf(call)
      const integration = await requireIntegration(call, definition, id)
      const name = call.part('name')
      if (name !== definition.tenant?.list && integration.tenant_id === null) requireNoTenant(definition)
      return { items: await listItems(apiOf(call.runtime, definition, integration), definition, name) }
    },
  }),

  route({
    method: 'get',
    path: '/:provider/scopes',
    summary: 'Compares what was asked for with what was granted.',
    input: WhichOne,
    answer: z.object({ granted: z.array(z.string()), missing: z.array(z.string()), requested: z.array(z.string()) }),
    errors: ofProvider,
    handle: async (call, { integration_id: id }) => {
      const definition = providerOf(call)
      return scopesOf(definition, await meantIntegration(call, definition, id))
    },
  }),

  route({
    method: 'post',
    path: '/:provider/refresh',
    summary: 'Refreshes the access token now, due or not.',
    input: WhichOne,
    answer: IntegrationStatus.pick({ status: true, hasValidToken: true, expiresAt: true }),
    errors: fromProvider,
    points: providerRequestPoints,
    handle: async (call, { integration_id: id }) => {
      const { runtime, user } = call
      const definition = providerOf(call)
      const integration = await requireIntegration(call, definition, id)
      await refreshNow(runtime, definition, integration.id)
      const { status, hasValidToken, expiresAt } = integrationStatus(
        definition,
        await requireOwnIntegration(runtime.sql, user.id, definition, integration.id),
        runtime.now(),
      )
      return { status, hasValidToken, expiresAt }
    },
  }),

  route({
    method: 'post',
    path: '/:provider/disconnect',
    summary:
      'Ends a connection: its tokens leave at once, and a job tells the provider. Synced rows stay, unless asked otherwise.',
    input: WhichOne.extend({ delete_rows: z.boolean().default(false).describe('Also deletes what was synced.') }),
    answer: z.object({ status: z.literal('disconnected') }),
    errors: ofProvider,
    handle: async (call, { integration_id: id, delete_rows: deleteRows }) => {
      const { request, runtime, user } = call
      const integration = await meantIntegration(call, providerOf(call), id)
      const origin = originOf(request, 'integrations')
      if (integration) await disconnectIntegration(runtime.sql, user.id, integration.id, { deleteRows, origin })
      return { status: 'disconnected' } as const
    },
  }),

  route({
    method: 'post',
    path: '/:provider/reconnect',
    summary: 'Begins to connect the same account anew: same integration, same endpoints, new tokens.',
    input: AuthorizeRequest.omit({ provider: true }),
    answer: AuthorizeAnswer,
    errors: [...ofProvider, 'not_connected', 'redirect_not_allowed', 'forbidden'],
    handle: async (call, asked) => {
      const definition = providerOf(call)
      const integration = await requireIntegration(call, definition, asked.integration_id)
      return beginConnection(call.runtime, call.user, { ...asked, provider: definition.id, integration_id: integration.id })
    },
  }),

  route({
    method: 'post',
    path: '/:provider/tenant',
    summary: 'Chooses the company that requests are about, one of those that the account reaches.',
    input: WhichOne.extend({ tenant_id: z.string().min(1).max(200) }),
    answer: IntegrationStatus,
    errors: fromProviderApi,
    points: providerRequestPoints,
    handle: async (call, { integration_id: id, tenant_id: tenantId }) => {
      const { request, runtime, user } = call
      const definition = providerOf(call)
      const integration = await requireIntegration(call, definition, id)
      if (!definition.tenant) throw invalidTenant(definition, `${definition.name} has no companies to choose from.`)
      const companies = await listItems(apiOf(runtime, definition, integration), definition, definition.tenant.list)
      const chosen = companies.find((company) => company.id === tenantId)
      if (!chosen) throw invalidTenant(definition, 'tenant_id is none of the companies that this account reaches.')
      await chooseTenant(runtime.sql, integration.id, chosen, originOf(request, 'integrations'))
      const changed = await requireOwnIntegration(runtime.sql, user.id, definition, integration.id)
      return integrationStatus(definition, changed, runtime.now())
    },
  }),

  ...endpointRoutes,
]

function providerOf(call: Call): ProviderDefinition {
  return findProvider(call.part('provider'))
}

function requireNoTenant({ id, name, tenant }: ProviderDefinition): void {
  if (!tenant) return
  throw new PatchbayError('tenant_required', `${name} needs to know which company this is about.`, {
    context: { provider: id },
    hint: `Choose one of the list ${tenant.list} with POST tenant.`,
  })
}

function invalidTenant({ id, tenant }: ProviderDefinition, message: string): PatchbayError {
  return new PatchbayError('invalid_request', message, {
    context: { field: 'tenant_id', provider: id },
    ...(tenant && { hint: `Send the id of one of the list ${tenant.list}.` }),
  })
}
