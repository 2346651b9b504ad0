import { z } from 'zod'
import { closedObject, templatePlace, violations, type Operation, type Schema } from './operation.ts'

const Method = z.object({
  args: z.record(z.string(), z.object({ required: z.boolean().default(false), type: z.string().optional() })),
  errors: z.record(z.string(), z.unknown()),
})
const Codes = z.record(z.string(), z.unknown())

/** The error codes of these methods, and those that any method may answer with. */
export function errorCodes(methods: readonly string[], common: string): Set<string> {
  const listed = methods.map((text) => Method.parse(JSON.parse(text)).errors)
  return new Set([...listed, Codes.parse(JSON.parse(common))].flatMap((codes) => Object.keys(codes)))
}

const answerSchema: Schema = {
  type: 'object',
  required: ['ok'],
  properties: { ok: { type: 'boolean' } },
  if: { properties: { ok: { const: false } } },
  // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's keyword
  then: { required: ['error'], properties: { error: { type: 'string' } } },
}

/** A method of the Web API. Its arguments may come in the query or in a form; an error has to be one of those that are listed. */
export function methodOperation(name: string, text: string, known: ReadonlySet<string>): Operation[] {
  const { args } = Method.parse(JSON.parse(text))
  const schema = closedObject(
    Object.fromEntries(Object.entries(args).map(([arg, { type }]) => [arg, schemaOf(type)])),
    Object.entries(args).flatMap(([arg, { required }]) => (required ? [arg] : [])),
  )
  const operation = {
    place: templatePlace('slack.com', `/api/${name}`),
    answer: (_status: number, body: unknown) => {
      const broken = violations(answerSchema, body)
      const error = z.object({ error: z.string() }).safeParse(body).data?.error
      return error === undefined || known.has(error) ? broken : [...broken, `/error ${error} is not listed`]
    },
  }
  return [
    { ...operation, method: 'GET', query: schema },
    { ...operation, method: 'POST', query: closedObject({}), form: schema },
  ]
}

function schemaOf(type: string | undefined): Schema {
  return type === 'boolean' || type === 'number' || type === 'integer' ? { type } : { type: 'string' }
}
