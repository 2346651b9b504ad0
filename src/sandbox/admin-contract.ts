import { z } from 'zod'

/** What can go wrong on demand. Status codes and bodies that are not given here are the provider's own. */
export const Fault = z.discriminatedUnion('type', [
  /** 429; with `Retry-After` only when it is given, as not every provider sends one. */
  z.object({ type: z.literal('rate-limit'), retryAfterSeconds: z.number().optional() }),
  /** The provider's "too fast" that is not a 429, such as Google's 403 `userRateLimitExceeded`. */
  z.object({ type: z.literal('quota') }),
  /** `html`: a load balancer's page instead of the provider's JSON. */
  z.object({
    type: z.literal('server-error'),
    status: z.union([z.literal(500), z.literal(502), z.literal(503)]).default(500),
    html: z.boolean().default(false),
  }),
  /** Accepts the request and never answers. */
  z.object({ type: z.literal('timeout') }),
  /** Answers as usual after `ms` milliseconds. */
  z.object({ type: z.literal('delay'), ms: z.number().nonnegative() }),
  /** Sends half of the body that `Content-Length` announces, then closes the connection. */
  z.object({ type: z.literal('cut-body') }),
  /** 200 with a web page instead of JSON. */
  z.object({ type: z.literal('html') }),
  /** A list without items that still has a next page. */
  z.object({ type: z.literal('empty-page') }),
  /** A list with at most `items` items, which may be fewer than asked for. */
  z.object({ type: z.literal('short-page'), items: z.number().int().positive() }),
  /** Any answer: a string body is sent as text, anything else as JSON. */
  z.object({
    type: z.literal('error'),
    status: z.number().int().min(200).max(599),
    body: z.unknown(),
    headers: z.record(z.string(), z.string()).default({}),
  }),
  /** 401, as for an access token that is no longer valid. */
  z.object({ type: z.literal('unauthorized') }),
  /** Does what was asked, then closes the connection without an answer. */
  z.object({ type: z.literal('lost-response') }),
  /** 200 with JSON of about `bytes` bytes. */
  z.object({ type: z.literal('huge-body'), bytes: z.number().int().positive() }),
])
export type Fault = z.output<typeof Fault>

/** When a fault happens. The first rule that fits a request takes it. */
export const FaultRule = z.object({
  match: z
    .object({
      /** The provider's host, such as `www.googleapis.com`. */
      host: z.string().optional(),
      /** A prefix of the path at the provider; a regular expression when it begins with `^`. */
      path: z.string().optional(),
      method: z.string().optional(),
    })
    .default({}),
  fault: Fault,
  times: z.union([z.number().int().positive(), z.literal('always')]).default(1),
  /** How many fitting requests pass before the first fault. */
  skip: z.number().int().nonnegative().default(0),
})
export type FaultRule = z.output<typeof FaultRule>
/** A rule as it is sent: what has a default may be left out. */
export type FaultRuleInput = z.input<typeof FaultRule>

export const FaultState = z.object({ id: z.number(), rule: FaultRule, served: z.number() })
/** A rule with its number and how often it has happened. */
export type FaultState = z.output<typeof FaultState>

export const RequestEntry = z.object({
  /** ISO 8601, by the machine's clock. */
  at: z.string(),
  method: z.string(),
  host: z.string(),
  path: z.string(),
  /** Without tokens, codes and states: their values are `…`. */
  query: z.record(z.string(), z.string()),
  /** Null while it is under way, and when the connection ended without a whole answer. */
  status: z.number().nullable(),
  /** Milliseconds until the answer was ready; null while it is under way. */
  ms: z.number().nullable(),
  fault: z.string().nullable(),
})
/** One request to a simulated provider. */
export type RequestEntry = z.output<typeof RequestEntry>

export const RequestStats = z.object({
  requests: z.number(),
  /** By method, host and route, such as `GET www.googleapis.com/drive/v3/files/:fileId`; then by status, `none` without one. */
  routes: z.record(z.string(), z.record(z.string(), z.number())),
})
/** Counters over all requests since the start or the last clearing. */
export type RequestStats = z.output<typeof RequestStats>

export const ClockSetting = z.object({ skewSeconds: z.number() })
