import type { z } from 'zod'
import type {
  Choice as ChoiceSchema,
  IntegrationStatus as StatusSchema,
  ProviderStatus as ProviderSchema,
} from '../shared/api/status.ts'
import type { EndpointRow as EndpointSchema } from '../shared/endpoints/endpoint-row.ts'
import type { EndpointTest as TestSchema } from '../shared/endpoints/endpoint-test.ts'
import type { AuthorizeAnswer as BeginningSchema } from '../shared/oauth/authorize.ts'
import type { CompleteAnswer as CompletionSchema } from '../shared/oauth/complete.ts'
import type { ErrorCode as ServerErrorCode } from '../shared/errors.ts'
import type { providers } from '../shared/providers/registry.generated.ts'

// What the Edge Functions answer, by the schemas that they answer with. This is the only file that knows src/shared: the package has its
// declarations written out in its place, for it must need neither zod nor the server's code (scripts/build-client.ts).

/** One thing to choose from, such as a calendar or a company. */
export type Choice = z.output<typeof ChoiceSchema>

/** How an integration is doing. Never a token. */
export type IntegrationStatus = Known<z.output<typeof StatusSchema>>

/** How the user stands with a provider: the status of one integration, and which others there are. */
export type ProviderStatus = Known<z.output<typeof ProviderSchema>>

export type AuthorizeAnswer = z.output<typeof BeginningSchema>
export type CompleteAnswer = Known<z.output<typeof CompletionSchema>>

/** One thing to sync, with its schedule and how it is doing: a row of the table `endpoints`. */
export type Endpoint = z.output<typeof EndpointSchema>

/** What came of trying an endpoint, step by step. */
export type EndpointTest = z.output<typeof TestSchema>

/** Why a request failed, by the server's word. */
export type ErrorCode = ServerErrorCode

/** The server says `string`, of the ids in the same registry. */
type Known<Answer> = Omit<Answer, 'provider'> & { provider: ProviderId }

type Provider = (typeof providers)[number]

/** The providers of this installation. */
export type ProviderId = Provider['id']

/** What an account of the provider has to choose from, by name. */
export type ListName<Id extends ProviderId> = keyof Extract<Provider, { id: Id }>['lists'] & string
