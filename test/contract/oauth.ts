import { type Operation, type Schema, templatePlace, violations } from './operation.ts'

/** Endpoints of an authorization server, by the names of RFC 8414. */
export interface ServerMetadata {
  authorization_endpoint: string
  token_endpoint: string
  revocation_endpoint?: string
  code_challenge_methods_supported?: readonly string[]
}

const never: Schema = { not: {} }
const text: Schema = { type: 'string', minLength: 1 }

/** RFC 6749 §4.1.3 and §6. */
const tokenForm: Schema = {
  type: 'object',
  required: ['grant_type'],
  oneOf: [
    {
      properties: { grant_type: { const: 'authorization_code' }, code: text, redirect_uri: text },
      required: ['code', 'redirect_uri'],
    },
    { properties: { grant_type: { const: 'refresh_token' }, refresh_token: text }, required: ['refresh_token'] },
    { properties: { grant_type: { const: 'client_credentials' } } },
  ],
  properties: { grant_type: text, client_id: text, client_secret: text },
}

/** RFC 6749 §5.1. */
export const tokenAnswer: Schema = {
  type: 'object',
  required: ['access_token', 'token_type'],
  properties: {
    access_token: text,
    token_type: { type: 'string', pattern: '^[Bb]earer$' },
    expires_in: { type: 'integer', minimum: 1 },
    refresh_token: text,
    scope: { type: 'string' },
  },
}

/** RFC 6749 §5.2. */
const errorAnswer: Schema = {
  type: 'object',
  required: ['error'],
  properties: { error: text, error_description: { type: 'string' }, error_uri: { type: 'string' } },
}

/** What RFC 6749, 7009 and 7636 say of the requests to an authorization server, and of its answers. */
export function oauthOperations(metadata: ServerMetadata): Operation[] {
  const methods = metadata.code_challenge_methods_supported ?? []
  const authorize: Schema = {
    type: 'object',
    required: ['response_type', 'client_id', 'redirect_uri', 'state'],
    properties: {
      response_type: { const: 'code' },
      redirect_uri: { type: 'string', format: 'uri' },
      state: { type: 'string', minLength: 22 },
      // A server that names no method knows none.
      code_challenge: methods.length === 0 ? never : { type: 'string', pattern: '^[\\w-]{43}$' },
      code_challenge_method: methods.length === 0 ? never : { enum: methods },
    },
    dependentRequired: { code_challenge: ['code_challenge_method'] },
  }
  const nothing: Schema = { type: 'object', additionalProperties: false }
  const { authorization_endpoint, token_endpoint, revocation_endpoint } = metadata
  return [
    { method: 'GET', place: placeOf(authorization_endpoint), query: authorize, answer: () => [] },
    { method: 'POST', place: placeOf(token_endpoint), query: nothing, form: tokenForm, answer: checkTokenAnswer },
    ...(revocation_endpoint === undefined
      ? []
      : [
          {
            method: 'POST',
            place: placeOf(revocation_endpoint),
            query: nothing,
            form: { type: 'object', required: ['token'] },
            answer: checkTokenAnswer,
          },
        ]),
  ]
}

function checkTokenAnswer(status: number, body: unknown): string[] {
  if (status >= 500 || status === 429) return []
  return violations(status < 300 ? tokenAnswer : errorAnswer, body)
}

function placeOf(endpoint: string): RegExp {
  const [, host = '', path = ''] = /^https:\/\/([^/]+)(.*)$/.exec(endpoint) ?? []
  return templatePlace(host, path)
}
