import { z } from 'zod'
import { type ErrorCode, errorCodes } from '../errors.ts'
import { oauthOperations } from './oauth-operations.ts'
import { type Operation, type Parameter, operationOf } from './operation.ts'
import { routes } from './routes.ts'

type Json = Record<string, unknown>

/** What every route can answer with. */
const always = [
  'invalid_request',
  'method_not_allowed',
  'rate_limited',
  'database_unavailable',
  'config_invalid',
  'internal_error',
] as const

const ErrorBody = z.object({
  error: z.object({
    code: z.enum(Object.keys(errorCodes)).describe('Stable: what programs go by.'),
    message: z.string().describe('For a person.'),
    hint: z.string().nullable().describe('What to do next.'),
  }),
})

/** The OpenAPI 3.1 description of all public routes, made from the schemas that parse their requests. `url` is that of the functions. */
export function openApiDocument(url: string): Json {
  const paths: Record<string, Json> = {}
  for (const operation of [...oauthOperations, ...routes.map(operationOf)]) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Patchbay',
      version: '1',
      description: "Connects the accounts of a Supabase project's users. No answer has a token in it.",
    },
    servers: [{ url }],
    paths,
    components: {
      schemas: { Error: jsonSchema(ErrorBody, 'output') },
      securitySchemes: {
        user: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The access token of Supabase Auth.' },
      },
    },
  }
}

function describe({ summary, auth, parameters, body, answers, errors }: Operation): Json {
  return {
    summary,
    security: auth === 'user' ? [{ user: [] }] : [],
    ...(parameters.length > 0 && { parameters: parameters.map(describeParameter) }),
    ...(body && { requestBody: { required: !body.safeParse({}).success, content: jsonContent(jsonSchema(body, 'input')) } }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer)])),
      ...errorResponses([...errors, ...always, ...(auth === 'user' ? (['unauthorized'] as const) : [])]),
    },
  }
}

function describeParameter({ name, in: place, required, schema }: Parameter): Json {
  const { description, ...rest } = jsonSchema(schema, 'input')
  return { name, in: place, required, ...(description !== undefined && { description }), schema: rest }
}

function describeAnswer({ description, schema }: Operation['answers'][number]): Json {
  return { description, ...(schema && { content: jsonContent(jsonSchema(schema, 'output')) }) }
}

/** By HTTP status, each with the codes that have it. */
function errorResponses(codes: readonly ErrorCode[]): Json {
  const responses: Record<string, Json> = {}
  for (const status of new Set(codes.map((code) => errorCodes[code].status))) {
    const names = [...new Set(codes)].filter((code) => errorCodes[code].status === status).toSorted()
    responses[status] = {
      description: names.map((name) => `\`${name}\``).join(', '),
      ...((status === 429 || status === 503) && {
        headers: { 'Retry-After': { description: 'Seconds; of 503 when it is known.', schema: { type: 'integer' } } },
      }),
      content: jsonContent({ $ref: '#/components/schemas/Error' }),
    }
  }
  return responses
}

function jsonContent(schema: Json): Json {
  return { 'application/json': { schema } }
}

/** JSON Schema 2020-12, which is OpenAPI 3.1's own dialect. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io })
  return rest
}
