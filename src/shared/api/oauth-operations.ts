import { z } from 'zod'
import type { ErrorCode } from '../errors.ts'
import { answerErrors } from '../http/judge-answer.ts'
import { AuthorizeAnswer, AuthorizeRequest } from '../oauth/authorize.ts'
import { CompleteAnswer, CompleteRequest } from '../oauth/complete.ts'
import { type Operation, pathParameter } from './operation.ts'

const query = (name: string, required: boolean, description: string) =>
  ({ name, in: 'query', required, schema: z.string().describe(description) }) as const

/** What the exchange of a code can end with. */
const fromCode: readonly ErrorCode[] = [
  'state_invalid',
  'access_denied',
  'issuer_mismatch',
  'code_rejected',
  'account_mismatch',
  'client_rejected',
  'token_undecryptable',
  ...answerErrors,
]

const toApp = 'To the app, with <provider>_connected=true or <provider>_error=<code>.'

/** The functions that make a connection, and the description itself. */
export const oauthOperations: readonly Operation[] = [
  {
    method: 'post',
    path: '/oauth-authorize',
    summary: 'Begins a connection, or with integration_id that of an integration anew.',
    auth: 'user',
    parameters: [],
    body: AuthorizeRequest,
    answers: { 200: { description: 'Where to send the browser.', schema: AuthorizeAnswer } },
    errors: ['unknown_provider', 'not_found', 'redirect_not_allowed', 'forbidden'],
  },
  {
    method: 'get',
    path: '/oauth-start/{provider}',
    summary: 'The start URL: uses up the ticket and sends the browser to the provider. For browsers, from a page of the app.',
    auth: 'none',
    parameters: [
      pathParameter('provider'),
      query('ticket', true, 'From oauth-authorize; good once, for two minutes.'),
      { name: 'Referer', in: 'header', required: true, schema: z.string().describe('A page of the app; browsers send it.') },
    ],
    answers: { 303: { description: `To the provider. ${toApp}` } },
    errors: ['unknown_provider', 'forbidden'],
  },
  {
    method: 'get',
    path: '/oauth-callback/{provider}',
    summary: 'Where the provider sends the browser back. Demands the cookie that the start URL has set.',
    auth: 'none',
    parameters: [
      pathParameter('provider'),
      query('state', true, 'Good once, for ten minutes.'),
      query('code', false, 'When the user agreed.'),
      query('error', false, 'When the user did not, or the provider could not.'),
      query('iss', false, 'The issuer (RFC 9207).'),
    ],
    answers: { 303: { description: toApp } },
    errors: ['unknown_provider'],
  },
  {
    method: 'post',
    path: '/oauth-callback',
    summary: 'Completes a client-driven connection with the code that a page of the app got. By the user who began it.',
    auth: 'user',
    parameters: [],
    body: CompleteRequest,
    answers: { 200: { description: 'Connected.', schema: CompleteAnswer } },
    errors: ['forbidden', ...fromCode],
  },
  {
    method: 'get',
    path: '/integrations/openapi.json',
    summary: 'This description.',
    auth: 'none',
    parameters: [],
    answers: { 200: { description: 'OpenAPI 3.1.', schema: z.looseObject({ openapi: z.string() }) } },
    errors: [],
  },
]
