import { parse } from 'yaml'
import { closedObject, templatePlace, violations, type Operation, type Schema } from './operation.ts'

interface Parameter {
  name: string
  in: string
  required?: boolean
  schema?: Schema
}

interface Content {
  content?: Record<string, { schema?: Schema }>
}

interface ApiOperation {
  parameters?: (Parameter | Reference)[]
  requestBody?: Content
  responses?: Record<string, Content | Reference>
}

interface Reference {
  $ref: string
}

interface Document {
  paths: Record<string, Partial<Record<'get' | 'post' | 'put' | 'patch' | 'delete', ApiOperation>> & { parameters?: Parameter[] }>
  components: Record<string, Record<string, unknown>>
}

const form = 'application/x-www-form-urlencoded'
const jsonTypes = ['application/json', 'application/vnd.api+json']

/** The operations of an OpenAPI 3.0 description, below `host`. */
export function openApiOperations(text: string, host: string): Operation[] {
  const document = parse(text) as Document
  const components = jsonSchema(withScopeLists(document.components)) as Record<string, unknown>
  return Object.entries(document.paths).flatMap(([path, { parameters: shared = [], ...methods }]) =>
    Object.entries(methods).map(([method, operation]) => {
      const parameters = [...shared, ...(operation.parameters ?? [])].map((each) => resolve(document, each) as Parameter)
      const query = parameters.filter((parameter) => parameter.in === 'query')
      const content = operation.requestBody?.content
      const formSchema = content?.[form]?.schema
      const bodySchema = jsonTypes.map((type) => content?.[type]?.schema).find((schema) => schema !== undefined)
      return {
        method: method.toUpperCase(),
        place: templatePlace(host, path),
        query: {
          ...closedObject(
            Object.fromEntries(query.map(({ name, schema }) => [name, jsonSchema(schema ?? {}) as Schema])),
            query.filter(({ required }) => required === true).map(({ name }) => name),
          ),
          components,
        },
        ...(formSchema && { form: { ...(jsonSchema(formSchema) as Schema), additionalProperties: false, components } }),
        ...(bodySchema && { json: bodyCheck(bodySchema, components) }),
        answer: answerCheck(document, operation, components),
      }
    }),
  )
}

/** RFC 6749 §3.3: several scopes are one text, with spaces between. A description may list single ones, as the schema `Scopes`. */
function withScopeLists(components: Document['components']): Document['components'] {
  const { Scopes: single, ...schemas } = (components['schemas'] ?? {}) as Record<string, { enum?: readonly string[] }>
  if (single?.enum === undefined) return components
  const one = `(?:${single.enum.map((scope) => RegExp.escape(scope)).join('|')})`
  return { ...components, schemas: { ...schemas, Scopes: { type: 'string', pattern: `^${one}( ${one})*$` } } }
}

function bodyCheck(schema: Schema, components: Record<string, unknown>): (body: unknown) => string[] {
  const converted = { ...(jsonSchema(schema) as Schema), components }
  return (body) => violations(converted, body)
}

function answerCheck(
  document: Document,
  { responses = {} }: ApiOperation,
  components: Record<string, unknown>,
): Operation['answer'] {
  const schemas = new Map<string, Schema>()
  for (const [status, response] of Object.entries(responses)) {
    const { content } = resolve(document, response) as Content
    const schema = Object.values(content ?? {})[0]?.schema
    if (schema) schemas.set(status, { ...(jsonSchema(schema) as Schema), components })
  }
  return (status, body) => {
    const schema = schemas.get(String(status)) ?? schemas.get('default')
    return schema ? violations(schema, body) : []
  }
}

function resolve(document: Document, value: object): object {
  if (!('$ref' in value)) return value
  const path = String(value.$ref).slice(2).split('/')
  return path.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], document) as object
}

/** OpenAPI 3.0's schemas as JSON Schema: `nullable`, and a boolean `exclusiveMinimum`, are its own. */
function jsonSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonSchema)
  if (typeof value !== 'object' || value === null) return value
  const { nullable, example: _, discriminator: __, ...rest } = value as Record<string, unknown>
  const converted = Object.fromEntries(Object.entries(rest).map(([name, each]) => [name, jsonSchema(each)]))
  if (nullable !== true) return converted
  return { anyOf: [converted, { type: 'null' }] }
}
