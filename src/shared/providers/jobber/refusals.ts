import { z } from 'zod'
import { ErrorBody, Extensions, GraphqlAnswer, GraphqlError, MutationResult } from './answers.ts'

/**
 * The version of the schema that the queries are written for. Jobber serves one for at least twelve months.
 * https://developer.getjobber.com/docs/using_jobbers_api/api_versioning
 */
export const apiVersion = '2026-07-27'

/**
 * What Jobber says in a sentence only; the status that it comes with is not documented for any but the first.
 * https://developer.getjobber.com/docs/building_your_app/app_authorization
 */
const sentences = new Map([
  ['Token not recognized', 'token_not_recognized'],
  ['User has disconnected this app from their account. Please delete this token', 'disconnected'],
  ['This account is not active', 'account_inactive'],
  ['Service temporarily unavailable', 'service_unavailable'],
])

/**
 * The codes for a query that does not fit the schema, as graphql-ruby has them, in whose words Jobber answers.
 * https://github.com/rmosolgo/graphql-ruby/tree/master/lib/graphql/static_validation/rules
 */
export const schemaErrors = {
  argumentLiteralsIncompatible: 'contract',
  argumentNotAccepted: 'contract',
  missingRequiredArguments: 'contract',
  missingRequiredInputObjectAttribute: 'contract',
  selectionMismatch: 'contract',
  undefinedField: 'contract',
  undefinedType: 'contract',
  variableMismatch: 'contract',
  variableRequiresValidType: 'contract',
} as const

// Each part is read by itself: one in a form that nobody has seen must not hide another that refuses.
const Data = GraphqlAnswer.pick({ data: true })
const Errors = GraphqlAnswer.pick({ errors: true })
const Versioning = z.object({ extensions: Extensions.pick({ versioning: true }) })
const Cost = z.object({ extensions: Extensions.pick({ cost: true }) })

/**
 * Why an answer is none, whatever its status: most refusals come with 200. The code of its first error where it has one, else the words
 * of `reasons` in the definition. An answer without errors is refused as well when it was made by another version of the schema: Jobber
 * turns to its oldest one when it no longer has the one that was asked for, and says so only here.
 */
export function jobberReason(body: unknown): string | undefined {
  return sentenceReason(body) ?? graphqlReason(body)
}

/** For the sentences that come outside GraphQL, from the token endpoint too. */
export function sentenceReason(body: unknown): string | undefined {
  const { message, error } = ErrorBody.safeParse(body).data ?? {}
  const sentence = message ?? (typeof error === 'object' ? error?.message : undefined)
  return sentences.get(sentence ?? '')
}

function graphqlReason(body: unknown): string | undefined {
  const [error] = Errors.safeParse(body).data?.errors ?? []
  if (error !== undefined) return errorReason(error, body)
  const version = Versioning.safeParse(body).data?.extensions.versioning?.version
  if (version !== undefined && version !== apiVersion) return 'version_not_served'
  return hasUserErrors(body) ? 'user_errors' : undefined
}

function errorReason(error: unknown, body: unknown): string {
  const { message, extensions } = GraphqlError.safeParse(error).data ?? {}
  const { code, problems } = extensions ?? {}
  if (code === 'THROTTLED') return canEverRun(body) ? code : 'query_too_expensive'
  if (code) return code
  if (problems) return 'invalid_variable'
  // A missing scope has no code of its own.
  return message?.endsWith('was hidden due to permissions') ? 'hidden' : 'graphql_error'
}

/**
 * How long until the bucket holds what a throttled query costs, in milliseconds.
 * https://developer.getjobber.com/docs/using_jobbers_api/api_rate_limits
 */
export function throttledMs(body: unknown): number | undefined {
  const cost = costOf(body)
  if (!cost) return undefined
  const { currentlyAvailable, restoreRate } = cost.throttleStatus
  return (Math.max(0, cost.requestedQueryCost - currentlyAvailable) / restoreRate) * 1000
}

/** A mutation that was not done says so in its result. */
function hasUserErrors(body: unknown): boolean {
  const { data } = Data.safeParse(body).data ?? {}
  return Object.values(data ?? {}).some((field) => (MutationResult.safeParse(field).data?.userErrors.length ?? 0) > 0)
}

/** False for a query that costs more than a full bucket holds. */
function canEverRun(body: unknown): boolean {
  const cost = costOf(body)
  return !cost || cost.requestedQueryCost <= cost.throttleStatus.maximumAvailable
}

function costOf(body: unknown) {
  return Cost.safeParse(body).data?.extensions.cost
}
