import {
  execute,
  GraphQLError,
  Kind,
  OperationTypeNode,
  parse,
  print,
  validate,
  type DocumentNode,
  type OperationDefinitionNode,
} from 'graphql'
import { z } from 'zod'
import { isEncodedId } from './businesses.ts'
import { schema } from './schema.ts'

/** The body of a request. */
export const QueryRequest = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
})
export type QueryRequest = z.output<typeof QueryRequest>

/** A document that the schema knows, with its variables. */
export interface CheckedQuery {
  document: DocumentNode
  operation: OperationDefinitionNode
  variables: Readonly<Record<string, unknown>>
}

/** Parses a document and checks it against the schema: errors, in Jobber's form, where it is wrong. */
export function checkQuery({ query, variables }: QueryRequest): { checked: CheckedQuery } | { errors: object[] } {
  let document: DocumentNode
  try {
    document = parse(query)
  } catch (error) {
    return { errors: [formatted(error)] }
  }
  const problems = validate(schema, document)
  if (problems.length > 0) return { errors: problems.map(formatted) }
  const operation = document.definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION)
  if (operation === undefined) return { errors: [{ message: 'No operation was given' }] }
  const checked = { document, operation, variables: variables ?? {} }
  const errors = wrongIds(checked)
  return errors.length > 0 ? { errors } : { checked }
}

/** Runs a checked document. Fields are the functions of `rootValue`. */
export async function runQuery({ document, variables }: CheckedQuery, rootValue: object): Promise<object> {
  const { data, errors } = await execute({ schema, document, rootValue, variableValues: variables })
  return { data, ...(errors !== undefined && { errors: errors.map(formatted) }) }
}

/** What a request without a token gets: every field that it asks for is hidden from it. */
export function hiddenFields({ operation }: CheckedQuery): object {
  const type = operation.operation === OperationTypeNode.MUTATION ? 'Mutation' : 'Query'
  const names = operation.selectionSet.selections.flatMap((each) => (each.kind === Kind.FIELD ? [each.name.value] : []))
  return {
    errors: names.map((name) => ({
      message: `The field ${name} on an object of type ${type} was hidden because you are unauthenticated`,
      path: [name],
      extensions: { code: 'UNAUTHENTICATED' },
    })),
    data: Object.fromEntries(names.map((name) => [name, null])),
  }
}

/** As recorded, but for `locations`. */
function wrongIds({ operation, variables }: CheckedQuery): object[] {
  return (operation.variableDefinitions ?? []).flatMap(({ variable, type }) => {
    const value = variables[variable.name.value]
    const named = print(type)
    if (!named.startsWith('EncodedId') || isEncodedId(value)) return []
    const explanation = `'${String(value)}' is not a valid EncodedId`
    return [
      {
        message: `Variable $${variable.name.value} of type ${named} was provided invalid value`,
        extensions: { value, problems: [{ path: [], explanation, message: explanation }] },
      },
    ]
  })
}

/** The code is graphql-ruby's, which Jobber's API is written with. */
function formatted(error: unknown): object {
  if (!(error instanceof GraphQLError)) throw error
  const { message, locations, path } = error
  const code = message.startsWith('Cannot query field') ? { extensions: { code: 'undefinedField' } } : {}
  return { message, ...(locations !== undefined && { locations }), ...(path !== undefined && { path }), ...code }
}
