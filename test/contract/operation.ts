import { Ajv2019, type ErrorObject, type ValidateFunction } from 'ajv/dist/2019.js'
import formats from 'ajv-formats'
import type { Exchange } from '../suites/exchanges.ts'

/** JSON Schema, as far as it is looked into here. */
export interface Schema {
  [keyword: string]: unknown
  type?: string | readonly string[]
  properties?: Readonly<Record<string, Schema>>
  items?: Schema
  $ref?: string
}

/** One thing that a provider's description lets a client do, whatever form the description has. */
export interface Operation {
  method: string
  /** Of host and path, such as `api.example.com/v1/things/7`. */
  place: RegExp
  /** Of the query's parameters, by name. */
  query: Schema
  /** Of a form in the body; absent: there is no form. */
  form?: Schema
  /** Of a JSON body. */
  json?: (body: unknown) => string[]
  /** What is wrong with the JSON of an answer. Not asked where the description says nothing. */
  answer: (status: number, body: unknown, exchange: Exchange) => string[]
}

/** The whole of what is checked of one provider. */
export interface Contract {
  operations: readonly Operation[]
  /** Where the description is wrong or silent: what is not held against us, and how it is known. */
  gaps?: readonly Gap[]
  /** The same of files, which have a suite of their own. */
  fileGaps?: readonly Gap[]
}

interface Gap {
  problem: RegExp
  why: string
}

const options = { strict: false, allErrors: true, validateFormats: true } as const
const exact = formats.default(new Ajv2019(options))
// Query and form have texts only.
const coercing = formats.default(new Ajv2019({ ...options, coerceTypes: 'array' }))
const compiled = new WeakMap<Schema, ValidateFunction>()

/** What is wrong with these exchanges, each once, and which gaps nobody needs: nothing, if all is well. */
export function checkExchanges({ operations, gaps = [] }: Contract, exchanges: readonly Exchange[]): string[] {
  const problems = [...new Set(exchanges.flatMap((exchange) => checkExchange(operations, exchange)))]
  const unneeded = gaps.filter((gap) => !problems.some((problem) => gap.problem.test(problem)))
  return [
    ...problems.filter((problem) => !gaps.some((gap) => gap.problem.test(problem))),
    ...unneeded.map(({ problem, why }) => `nothing is excused by ${problem}: ${why}`),
  ]
}

function checkExchange(operations: readonly Operation[], exchange: Exchange): string[] {
  const { method, url, body } = exchange
  const place = url.host + url.pathname
  const operation = operations.find((each) => each.method === method && each.place.test(place))
  if (operation === undefined) return [`${method} ${place}: there is no such operation`]
  const problems = checkTexts(operation.query, url.searchParams).map((problem) => `query ${problem}`)
  if (operation.form) problems.push(...checkTexts(operation.form, new URLSearchParams(body ?? '')).map((each) => `form ${each}`))
  else if (operation.json) problems.push(...operation.json(JSON.parse(body ?? 'null')).map((each) => `body ${each}`))
  else if (body !== null && body !== '') problems.push('body: there is none')
  return [...problems, ...checkAnswer(operation, exchange)].map((problem) => `${method} ${place}: ${problem}`)
}

/** Violations of a schema, each with the place in the value, and never the value itself: it may be a token. */
export function violations(schema: Schema, value: unknown, ajv = exact): string[] {
  const validate = compiled.get(schema) ?? ajv.compile(schema)
  compiled.set(schema, validate)
  if (validate(value)) return []
  return (validate.errors ?? []).map(({ instancePath, message, params }: ErrorObject) =>
    `${instancePath || '/'} ${message} ${JSON.stringify(params)}`.replaceAll(/\/\d+/g, '/…'),
  )
}

/** An object whose properties are all described: others are a mistake. */
export function closedObject(properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema {
  return { type: 'object', properties, required, additionalProperties: false }
}

/** `/hubs/{hub_id}/projects` below `api.example.com`, as an operation's place. */
export function templatePlace(host: string, path: string): RegExp {
  const parts = path.split(/\{[^}]+\}/).map((part) => RegExp.escape(part))
  return new RegExp(`^${RegExp.escape(host)}${parts.join('[^/]+')}$`)
}

function checkTexts(schema: Schema, parameters: URLSearchParams): string[] {
  const repeated = [...parameters.keys()].filter((name, index, all) => all.indexOf(name) !== index)
  const texts = violations(schema, Object.fromEntries(parameters), coercing)
  return [...repeated.map((name) => `${name} comes twice`), ...texts]
}

function checkAnswer(operation: Operation, exchange: Exchange): string[] {
  const { answer } = exchange
  if (answer === undefined || answer.body === '' || !answer.headers.get('content-type')?.includes('json')) return []
  const { status, body } = answer
  return operation.answer(status, JSON.parse(body), exchange).map((problem) => `answer ${status} ${problem}`)
}
