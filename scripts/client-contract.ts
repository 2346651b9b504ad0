import { z } from 'zod'
import { Choice, IntegrationStatus, ProviderStatus } from '../src/shared/api/status.ts'
import { EndpointRow } from '../src/shared/endpoints/endpoint-row.ts'
import { EndpointTest } from '../src/shared/endpoints/endpoint-test.ts'
import { errorCodes } from '../src/shared/errors.ts'
import { AuthorizeAnswer } from '../src/shared/oauth/authorize.ts'
import { CompleteAnswer } from '../src/shared/oauth/complete.ts'
import { providers } from '../src/shared/providers/registry.ts'

/** What contract.ts exports by a schema. */
const schemas = {
  Choice,
  IntegrationStatus,
  ProviderStatus,
  AuthorizeAnswer,
  CompleteAnswer,
  Endpoint: EndpointRow,
  EndpointTest,
}

/** As much of JSON Schema as the answers are made of. */
interface JsonSchema {
  type?: string | readonly string[]
  const?: unknown
  enum?: readonly unknown[]
  anyOf?: readonly JsonSchema[]
  items?: JsonSchema
  additionalProperties?: JsonSchema
  properties?: Readonly<Record<string, JsonSchema>>
  required?: readonly string[]
  description?: string
}

/** The text of src/client/contract.ts with its types written out, so that whoever compiles against it needs neither zod nor the server. */
export function contractSource(): string {
  const types = Object.entries(schemas).map(
    ([name, schema]) => `export type ${name} = ${typeText(z.toJSONSchema(schema, { io: 'output' }) as JsonSchema)}`,
  )
  const lists = providers.map(({ id, lists }) => `  ${quote(id)}: ${union(Object.keys(lists))}`)
  return [
    ...types,
    `export type ErrorCode = ${union(Object.keys(errorCodes))}`,
    `interface Lists {\n${lists.join('\n')}\n}`,
    'export type ProviderId = keyof Lists',
    'export type ListName<Id extends ProviderId> = Lists[Id]',
    '',
  ].join('\n\n')
}

function typeText(schema: JsonSchema): string {
  const { type, anyOf, items, properties, additionalProperties } = schema
  // z.unknown()
  if (Object.keys(schema).length === 0) return 'unknown'
  const literals = 'const' in schema ? [schema.const] : schema.enum
  if (literals) return union(literals)
  if (anyOf) return anyOf.map(typeText).join(' | ')
  if (properties) return objectText(properties, schema.required ?? [])
  if (type === 'object' && additionalProperties) return `Record<string, ${typeText(additionalProperties)}>`
  if (items) return `Array<${typeText(items)}>`
  if (typeof type === 'object') return type.map((each) => typeText({ type: each })).join(' | ')
  if (type === 'integer') return 'number'
  if (type === 'string' || type === 'number' || type === 'boolean' || type === 'null') return type
  throw new Error(`scripts/client-contract.ts does not know how to write ${JSON.stringify(schema)}.`)
}

function objectText(properties: Readonly<Record<string, JsonSchema>>, required: readonly string[]): string {
  const lines = Object.entries(properties).map(([name, schema]) => {
    const comment = schema.description === undefined ? '' : `/** ${schema.description} */\n`
    return `${comment}${name}${required.includes(name) ? '' : '?'}: ${name === 'provider' ? 'ProviderId' : typeText(schema)}`
  })
  return `{\n${lines.join('\n')}\n}`
}

function union(literals: readonly unknown[]): string {
  return literals.map(quote).join(' | ')
}

function quote(literal: unknown): string {
  return JSON.stringify(literal)
}
