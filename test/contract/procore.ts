import { z } from 'zod'
import { closedObject, templatePlace, violations, type Operation, type Schema } from './operation.ts'

const AnySchema = z.record(z.string(), z.unknown())
const Details = z.object({
  method: z.string(),
  path: z.string(),
  parameters: z.array(
    z.object({ name: z.string(), in: z.string(), required: z.boolean().default(false), schema: AnySchema.default({}) }),
  ),
  responses: z.record(z.string(), z.object({ schema: AnySchema.optional() })),
  requestBody: z.object({ schema: AnySchema }).optional(),
})

/** One endpoint of the catalogue; `extra` are parameters that the distilled description left out. */
export function endpointOperation(text: string, host: string, extra: Readonly<Record<string, Schema>> = {}): Operation {
  const { method, path, parameters, responses, requestBody } = Details.parse(JSON.parse(text))
  const query = parameters.filter((parameter) => parameter.in === 'query')
  const described = Object.fromEntries(query.map(({ name, schema }) => [name, schema]))
  return {
    method,
    place: templatePlace(host, path),
    query: closedObject(
      { ...described, ...extra },
      query.filter(({ required }) => required).map(({ name }) => name),
    ),
    ...(requestBody && { form: requestBody.schema }),
    answer: (status, body) => {
      const schema = responses[String(status)]?.schema
      return schema ? violations(schema, body) : []
    },
  }
}
