import { z } from 'zod'
import { requireUser } from '../api/require-user.ts'
import { jsonResponse } from '../responses.ts'
import { PatchbayError } from '../errors.ts'
import { asPatchbayError } from '../failure.ts'
import { findProvider } from '../providers/registry.ts'
import type { Runtime } from '../runtime.ts'
import { recordFailedConnect } from './audit.ts'
import type { User } from './authenticate.ts'
import { type ConnectedIntegration, connectByCode } from './connect.ts'
import { type Origin, originOf } from './origin.ts'
import { sha256 } from './random.ts'
import { readBody } from './request.ts'
import { type Transaction, takeTransaction, unknownState } from './states.ts'

const Parameter = z.string().min(1).max(4096)

export const CompleteRequest = z.strictObject({
  code: Parameter,
  state: Parameter,
  /** As the provider sent it; checked when given. */
  iss: Parameter.optional(),
  provider: Parameter.optional(),
})

export const CompleteAnswer = z.object({
  integration_id: z.guid(),
  provider: z.string(),
  status: z.literal('connected'),
  account_id: z.string(),
  account_label: z.string(),
  scopes: z.array(z.string()),
  /** The company that requests are about; null: the provider has none, or there are several to choose from. */
  tenant: z.object({ id: z.string(), label: z.string() }).nullable(),
})

/**
 * `POST /oauth-callback`, by the user who began the connection: exchanges the code that the provider sent to a page of the app. Answers
 * `CompleteAnswer`. The JWT takes the place of the browser's cookie: with another user's state, or another's code, it is not the JWT of the
 * user who began.
 */
export async function handleComplete(request: Request, runtime: Runtime): Promise<Response> {
  const user = await requireUser(request, runtime)
  const handedIn = await readBody(request, CompleteRequest)
  const stateHash = await sha256(handedIn.state)
  const origin = originOf(request, 'oauth-callback')
  const transaction = await takeTransaction(runtime.sql, stateHash)
  const integration = await complete(runtime, user, { transaction, stateHash, handedIn, origin }).catch(
    async (error: unknown) => {
      await recordFailedConnect(runtime, transaction, asPatchbayError(error), origin)
      throw error
    },
  )
  return jsonResponse({
    integration_id: integration.id,
    provider: integration.provider,
    status: 'connected',
    account_id: integration.accountId,
    account_label: integration.accountLabel,
    scopes: integration.scopes,
    tenant: integration.tenant,
  } satisfies z.input<typeof CompleteAnswer>)
}

/** Connects what the transaction was for, when this is its user and its form. */
async function complete(
  runtime: Runtime,
  user: User,
  { transaction, stateHash, handedIn, origin }: HandIn,
): Promise<ConnectedIntegration & { provider: string }> {
  const { provider, code, state, iss } = handedIn
  if (transaction?.stage !== 'client' || (provider !== undefined && provider !== transaction.provider)) throw unknownState()
  if (transaction.userId !== user.id) {
    throw new PatchbayError('forbidden', 'Another user began this connection.', {
      hint: 'Sign in as that user, or connect again.',
    })
  }
  const definition = findProvider(transaction.provider)
  const parameters = new URLSearchParams({ code, state, ...(iss === undefined ? {} : { iss }) })
  // The seeds' form hands in code and state only; a code of another provider fails at this one's token endpoint all the same.
  const response = { transaction, stateHash, parameters, state, requireIssuer: false, origin }
  return { ...(await connectByCode(runtime, definition, response)), provider: definition.id }
}

interface HandIn {
  transaction: Transaction | undefined
  stateHash: Uint8Array
  handedIn: z.output<typeof CompleteRequest>
  origin: Origin
}
