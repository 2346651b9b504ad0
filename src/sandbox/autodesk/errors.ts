import { randomUUID } from 'node:crypto'
import type { ErrorAnswer, ProviderErrors, ProviderPlace } from '../provider.ts'

const moreInfo = 'https://aps.autodesk.com/en/docs/oauth/v2/developers_guide/error_handling/'

/** An error of the gateway in front of every API. */
export function gatewayError(status: number, errorCode: string, developerMessage: string): ErrorAnswer {
  return { status, body: { developerMessage, moreInfo, errorCode } }
}

/** An error of Data Management. */
export function dataError(status: number, code: string, detail: string): ErrorAnswer {
  return {
    status,
    body: { jsonapi: { version: '1.0' }, errors: [{ id: randomUUID(), status: String(status), code, detail }] },
  }
}

/** Thrown where a request cannot be done; the routes answer with it. */
export class AutodeskProblem extends Error {
  readonly answer: ErrorAnswer

  constructor(answer: ErrorAnswer) {
    super(`Answered with ${answer.status}.`)
    this.answer = answer
  }
}

export function badInput(detail: string): AutodeskProblem {
  return new AutodeskProblem(dataError(400, 'BAD_INPUT', detail))
}

export function closed(detail: string = noPermission): AutodeskProblem {
  return new AutodeskProblem(dataError(403, 'BIM360DM_ERROR', detail))
}

export function notFound(): AutodeskProblem {
  return new AutodeskProblem(dataError(404, 'NOT_FOUND', 'The requested resource was not found.'))
}

/** What Data Management says of regions, folders and projects that are closed to the app or the person. */
export const noPermission = "You don't have permission to access this API"

export const autodeskErrors: ProviderErrors = {
  rateLimit: () => gatewayError(429, 'ERR-001', 'Quota limit exceeded.'),
  quota: () => gatewayError(429, 'ERR-001', 'Quota limit exceeded.'),
  serverError: (place, status) =>
    isOAuth(place)
      ? { status, body: { error: 'server_error', error_description: 'The server could not process the request.' } }
      : dataError(status, 'BIM360DM_ERROR', 'The service did not answer.'),
  unauthorized: (place) =>
    isOAuth(place)
      ? { status: 401, body: { error: 'invalid_client', error_description: 'The client credentials are invalid.' } }
      : gatewayError(401, 'AUTH-006', 'The access token is invalid or expired.'),
  forbidden: (place) =>
    isOAuth(place)
      ? gatewayError(403, 'AUTH-001', 'The client_id specified does not have access to the api product')
      : dataError(403, 'BIM360DM_ERROR', noPermission),
  notFound: () => dataError(404, 'NOT_FOUND', 'The requested resource was not found.'),
}

function isOAuth({ path }: ProviderPlace): boolean {
  return path.startsWith('/authentication/v2/')
}
