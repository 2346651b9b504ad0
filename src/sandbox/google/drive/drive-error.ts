import { ApiError } from '../api-error.ts'

export function badRequestBody(): ApiError {
  return new ApiError(400, { reason: 'parseError', message: 'Parse Error' })
}

// A `q` that names an unknown folder gets the message without the id.
export function fileNotFound(id: string): ApiError {
  return new ApiError(404, {
    reason: 'notFound',
    message: `File not found: ${id}.`,
    location: 'fileId',
    locationType: 'parameter',
  })
}

export function driveNotFound(id: string): ApiError {
  return new ApiError(404, {
    reason: 'notFound',
    message: `Shared drive not found: ${id}`,
    location: 'driveId',
    locationType: 'parameter',
  })
}

export function appNotAuthorized(app: string, id: string): ApiError {
  return new ApiError(403, {
    reason: 'appNotAuthorizedToFile',
    message: `The user has not granted the app ${app} read access to the file ${id}.`,
    location: 'Authorization',
    locationType: 'header',
  })
}
