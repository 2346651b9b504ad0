import { z } from 'zod'
import { closedObject, templatePlace, violations, type Operation, type Schema } from './operation.ts'

const AnySchema = z.record(z.string(), z.unknown())
const Method = z.object({
  path: z.string(),
  httpMethod: z.string(),
  parameters: z.record(z.string(), AnySchema).default({}),
  request: z.object({ $ref: z.string() }).optional(),
  response: z.object({ $ref: z.string() }).optional(),
})
interface Resource {
  methods?: Record<string, z.output<typeof Method>> | undefined
  resources?: Record<string, Resource> | undefined
}
const Resource: z.ZodType<Resource> = z.object({
  methods: z.record(z.string(), Method).optional(),
  get resources() {
    return z.record(z.string(), Resource).optional()
  },
})
const Document = z.object({
  servicePath: z.string(),
  parameters: z.record(z.string(), AnySchema),
  resources: z.record(z.string(), Resource),
  schemas: z.record(z.string(), AnySchema),
})

/** The operations of a Google discovery document. https://developers.google.com/discovery/v1/reference/apis */
export function discoveryOperations(text: string): Operation[] {
  const { servicePath, parameters, resources, schemas } = Document.parse(JSON.parse(text))
  const definitions = Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, jsonSchema(schema)]))
  return methodsOf({ resources }).map(({ path, httpMethod, parameters: own, request, response }) => {
    const all = Object.entries({ ...parameters, ...own })
    const query = Object.fromEntries(
      all.filter(([, { location }]) => location === 'query').map(([name, each]) => [name, jsonSchema(each)]),
    )
    const required = all.filter(([, each]) => each['location'] === 'query' && each['required'] === true).map(([name]) => name)
    const schemaOf = ({ $ref }: { $ref: string }): Schema => ({ definitions, $ref: `#/definitions/${$ref}` })
    const sent = request && schemaOf(request)
    const answered = response && schemaOf(response)
    return {
      method: httpMethod,
      place: templatePlace('www.googleapis.com', `/${servicePath}${path}`),
      query: closedObject(query, required),
      ...(sent && { json: (body) => violations(sent, body) }),
      // Errors are not described.
      answer: (status, body) => (status < 300 && answered ? violations(answered, body) : []),
    }
  })
}

function methodsOf({ methods = {}, resources = {} }: Resource): z.output<typeof Method>[] {
  return [...Object.values(methods), ...Object.values(resources).flatMap(methodsOf)]
}

/** Discovery's schemas are JSON Schema of draft 3: other references, `required` as a flag, and everything that exists is listed. */
function jsonSchema(value: Readonly<Record<string, unknown>>): Schema {
  const {
    required: _required,
    id: _id,
    type,
    $ref,
    format,
    properties,
    items,
    additionalProperties,
    pattern: _pattern,
    minimum,
    maximum,
    default: _default,
    ...rest
  } = value
  return {
    ...rest,
    // `any` is its own.
    ...(typeof type === 'string' && type !== 'any' && { type }),
    ...(typeof $ref === 'string' && { $ref: `#/definitions/${$ref}` }),
    // Numbers, written as texts.
    ...(minimum !== undefined && { minimum: Number(minimum) }),
    ...(maximum !== undefined && { maximum: Number(maximum) }),
    ...(format === 'date-time' && { format }),
    ...(items !== undefined && { items: jsonSchema(items as Schema) }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(
        Object.entries(properties as Record<string, Schema>).map(([name, each]) => [name, jsonSchema(each)]),
      ),
      additionalProperties: false,
    }),
    ...(additionalProperties !== undefined && { additionalProperties: jsonSchema(additionalProperties as Schema) }),
  }
}
