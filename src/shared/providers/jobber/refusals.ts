import { ErrorBody, GraphqlAnswer, MutationResult } from './answers.ts'

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
  const sentence = message ?? (typeof error === 'object' ? error.message : undefined)
  return sentence === undefined ? undefined : sentences.get(sentence)
}

function graphqlReason(body: unknown): string | undefined {
  const answer = GraphqlAnswer.safeParse(body).data
  if (answer === undefined) return undefined
  const [error] = answer.errors ?? []
  if (error !== undefined) {
    const { code, problems } = error.extensions ?? {}
    if (code === 'THROTTLED') return canEverRun(answer) ? code : 'query_too_expensive'
    if (code !== undefined) return code
    if (problems !== undefined) return 'invalid_variable'
    // A missing scope has no code of its own.
    return error.message.endsWith('was hidden due to permissions') ? 'hidden' : 'graphql_error'
  }
  const version = answer.extensions?.versioning?.version
  if (version !== undefined && version !== apiVersion) return 'version_not_served'
  return hasUserErrors(answer) ? 'user_errors' : undefined
}

/**
 * How long until the bucket holds what a throttled query costs, in milliseconds.
 * https://developer.getjobber.com/docs/using_jobbers_api/api_rate_limits
 */
export function throttledMs(body: unknown): number | undefined {
  const cost = GraphqlAnswer.safeParse(body).data?.extensions?.cost
  if (cost === undefined) return undefined
  const { currentlyAvailable, restoreRate } = cost.throttleStatus
  return (Math.max(0, cost.requestedQueryCost - currentlyAvailable) / restoreRate) * 1000
}

/** A mutation that was not done says so in its result. */
function hasUserErrors({ data }: GraphqlAnswer): boolean {
  return Object.values(data ?? {}).some((field) => (MutationResult.safeParse(field).data?.userErrors.length ?? 0) > 0)
}

/** False for a query that costs more than a full bucket holds. */
function canEverRun({ extensions }: GraphqlAnswer): boolean {
  const cost = extensions?.cost
  return cost === undefined || cost.requestedQueryCost <= cost.throttleStatus.maximumAvailable
}
