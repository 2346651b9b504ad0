import { buildSchema, execute, parse, validate, type GraphQLSchema } from 'graphql'
import { z } from 'zod'
import type { Exchange } from '../suites/exchanges.ts'
import { closedObject, templatePlace, type Operation } from './operation.ts'

const Sent = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).optional() })
const Answer = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z
    .array(z.object({ message: z.string() }))
    .min(1)
    .optional(),
})

/** The one operation of a GraphQL API: documents have to fit its schema, and so does the data of its answers. */
export function graphqlOperation(sdl: string, host: string, path: string): Operation {
  const schema = buildSchema(sdl, { assumeValidSDL: true })
  return {
    method: 'POST',
    place: templatePlace(host, path),
    query: closedObject({}),
    json: (body) => {
      const sent = Sent.safeParse(body)
      if (!sent.success) return ['is no GraphQL request']
      return validate(schema, parse(sent.data.query)).map(({ message }) => message)
    },
    answer: (status, body, exchange) => (status < 300 ? checkData(schema, body, exchange) : []),
  }
}

/** Runs the document on the answer's own data: what is missing, of another type or too much shows. */
function checkData(schema: GraphQLSchema, body: unknown, { body: sent }: Exchange): string[] {
  const answer = Answer.safeParse(body)
  if (!answer.success) return ['is no GraphQL answer']
  const { data, errors } = answer.data
  if (data === undefined || data === null) return errors === undefined ? ['has neither data nor errors'] : []
  const { query, variables } = Sent.parse(JSON.parse(sent ?? ''))
  const result = execute({ schema, document: parse(query), rootValue: data, ...(variables && { variableValues: variables }) })
  if (result instanceof Promise) return ['cannot be checked at once']
  const found = (result.errors ?? []).map(({ message, path }) => `${path?.join('.') ?? ''} ${message}`)
  if (found.length > 0 || errors !== undefined) return errors === undefined ? found : []
  return JSON.stringify(sorted(result.data)) === JSON.stringify(sorted(data)) ? [] : ['has fields that were not asked for']
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  )
}
