import { z } from 'zod'
import { isLoopback } from '../../deliveries.ts'
import { ApiError, invalidParameter } from '../api-error.ts'
import { badRequestBody } from './drive-error.ts'

const usualTtlMs = 3_600_000
const longestTtlMs = 604_800_000
const longestId = 64
const longestToken = 256

/** A channel as an app asks for it. */
export interface ChannelRequest {
  id: string
  address: string
  token: string | null
  /** Milliseconds since the epoch. */
  expiration: number
}

// Integers of 64 bits are strings in JSON; Google takes both.
const WatchBody = z.object({
  id: z.string(),
  type: z.string(),
  address: z.string(),
  token: z.string().optional(),
  expiration: z.union([z.string().regex(/^\d{1,16}$/), z.number().int().nonnegative()]).optional(),
})
const StopBody = z.object({ id: z.string(), resourceId: z.string() })

/** Reads the body of a watch request. Throws ApiError for what Google refuses. */
export function readWatchBody(text: string, now: number): ChannelRequest {
  const { id, type, address, token = null, expiration } = readBody(text, WatchBody)
  if (!new RegExp(`^[\\w+/=-]{1,${longestId}}$`).test(id)) throw channelError('channelIdInvalid', 'Invalid channel id')
  if (type !== 'web_hook' && type !== 'webhook') throw channelError('channelUnknown', `Unknown channel type '${type}'`)
  if ((token?.length ?? 0) > longestToken) throw channelError('channelTokenTooLong', 'Channel token too long')
  // At Google it is HTTPS with a valid certificate, and nothing else. On this machine there is none, so HTTP will do here.
  if (!isUrl(address) || !(address.startsWith('https:') || isLoopback(address))) {
    throw channelError('push.webhookUrlNotHttps', `WebHook callback must be HTTPS: ${address}`)
  }
  return { id, address, token, expiration: readExpiration(expiration, now) }
}

/** Reads the body of a stop request. Throws ApiError. */
export function readStopBody(text: string): { id: string; resourceId: string } {
  return readBody(text, StopBody)
}

export function channelIdNotUnique(id: string): ApiError {
  return channelError('channelIdNotUnique', `Channel id ${id} not unique`)
}

export function channelNotFound(id: string): ApiError {
  return new ApiError(404, { reason: 'notFound', message: `Channel '${id}' not found for project 'patchbay-sandbox'` })
}

// Seconds instead of milliseconds are a time in 1970. https://github.com/googleapis/google-api-nodejs-client/issues/3263
function readExpiration(given: string | number | undefined, now: number): number {
  const expiration = given === undefined ? now + usualTtlMs : Number(given)
  if (expiration <= now) throw invalidParameter('expiration', 'Invalid ttl value for channel')
  return Math.min(expiration, now + longestTtlMs)
}

// A channel in the query leaves the body empty. https://github.com/googleapis/google-api-nodejs-client/issues/2909
function readBody<Body>(text: string, schema: z.ZodType<Body>): Body {
  if (text === '') throw new ApiError(400, { reason: 'required', message: 'entityResource' })
  const parsed = schema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  const field = parsed.error.issues[0]?.path.join('.') ?? ''
  throw field === ''
    ? badRequestBody()
    : new ApiError(400, { reason: 'required', message: `Required: ${field}`, location: field })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isUrl(address: string): boolean {
  return URL.canParse(address)
}

function channelError(reason: string, message: string): ApiError {
  return new ApiError(400, { reason, message })
}
