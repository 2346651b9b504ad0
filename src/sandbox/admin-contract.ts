import { z } from 'zod'

/** What can go wrong on demand. Status codes and bodies that are not given here are the provider's own. */
export const Fault = z.discriminatedUnion('type', [
  /** 429; with `Retry-After` only when it is given, as not every provider sends one. */
  z.object({ type: z.literal('rate-limit'), retryAfterSeconds: z.number().optional() }),
  /** The provider's "too fast" that is not a 429, such as a 403 with a reason of its own. */
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
  /** 403, as for what the account may not see. */
  z.object({ type: z.literal('forbidden') }),
  /** 404, as for what is not there, or not for this account. */
  z.object({ type: z.literal('not-found') }),
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
      /** The provider's host, such as `api.example.com`. */
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
  /** By method, host and route, such as `GET api.example.com/v3/files/:fileId`; then by status, `none` without one. */
  routes: z.record(z.string(), z.record(z.string(), z.number())),
})
/** Counters over all requests since the start or the last clearing. */
export type RequestStats = z.output<typeof RequestStats>

/** How many requests a host, such as `api.example.com`, allows in any window of `perMs` milliseconds. */
export const RateLimit = z.object({ host: z.string(), requests: z.number().int().positive(), perMs: z.number().positive() })
export type RateLimit = z.output<typeof RateLimit>

export const ClockSetting = z.object({ skewSeconds: z.number() })

const counter = z.object({ requests: z.number(), issued: z.number() })

/** The token endpoint, counted. By grant type: how many requests arrived, and how many were answered with a token. */
export const TokenStats = z.object({
  authorization_code: counter,
  refresh_token: counter,
  client_credentials: counter,
  jwt_bearer: counter,
  other: counter,
  /** How often a refresh token was sent that had been used and replaced before. */
  refreshReuses: z.number(),
  /** The most refresh requests that were under way at the same time. */
  mostAtOnce: z.number(),
})
export type TokenStats = z.output<typeof TokenStats>

/** For tokens that are issued from now on. What is not given stays as it is. */
export const TokenSettings = z.object({
  accessTokenSeconds: z.number().int().positive().optional(),
  /** False: token answers do not say how long an access token lives. */
  sayExpiry: z.boolean().optional(),
  /** False: as for an app that has refresh token rotation switched off. Without effect where a provider never rotates. */
  rotation: z.boolean().optional(),
})
export type TokenSettings = z.output<typeof TokenSettings>

export const SandboxAccount = z.object({
  /** The value of the consent form's `account` field, such as an e-mail address. */
  name: z.string(),
  /** What Patchbay stores as the account's id. */
  id: z.string(),
  /** What a person recognises. */
  label: z.string(),
})
/** Someone who can sign in on the consent page. */
export type SandboxAccount = z.output<typeof SandboxAccount>

export const AccountName = z.object({ account: z.string() })
export const FillOrder = z.object({ account: z.string(), count: z.number().int().nonnegative() })
/** The generic control's answer about grants. */
export const GrantCount = z.object({ grants: z.number() })

/** How often each notification is sent from now on; 0: never, 1: as usual. */
export const DeliveryCopies = z.object({ copies: z.number().int().min(0).max(10) })

export const DeliveryEntry = z.object({
  id: z.number(),
  /** ISO 8601, by the machine's clock. */
  at: z.string(),
  /** The app's callback address. */
  url: z.string(),
  /** The answer to each attempt; null: there was none. */
  statuses: z.array(z.number().nullable()),
  /**
   * `accepted`, `refused`: by the app. `given-up`: the last attempt failed as well. `dropped`: nobody wants it any more. `elsewhere`: never
   * sent, as the address is not on this machine.
   */
  state: z.enum(['pending', 'accepted', 'refused', 'given-up', 'dropped', 'elsewhere']),
})
/** One notification that a simulated provider has sent, or tries to send. */
export type DeliveryEntry = z.output<typeof DeliveryEntry>

const Bytes = z.number().int().nonnegative()
const Time = z.iso.datetime({ offset: true })
export const NewTree = z.object({ account: z.string(), name: z.string() })
export const Tree = z.object({ config: z.record(z.string(), z.unknown()), rootId: z.string() })
export const NewSandboxFolders = z.object({ parentId: z.string(), names: z.array(z.string()) })
const NewSandboxFile = z.object({
  name: z.string(),
  /** Null: the provider does not say it. */
  size: Bytes.nullable().optional(),
  created: Time.optional(),
  modified: Time.optional(),
})
/** Times are ISO 8601, sizes bytes. */
export type NewSandboxFile = z.output<typeof NewSandboxFile>
export const NewSandboxFiles = z.object({ parentId: z.string(), files: z.array(NewSandboxFile) })
/** Of files and folders, in the order of the request. */
export const NewIds = z.object({ ids: z.array(z.string()) })
export const ItemName = z.object({ id: z.string(), name: z.string() })
export const ItemPlace = z.object({ id: z.string(), parentId: z.string() })
export const ItemId = z.object({ id: z.string() })
export const ItemVisibility = z.object({ id: z.string(), visible: z.boolean() })
export const SandboxFile = z.object({
  id: z.string(),
  path: z.string(),
  size: z.number().nullable(),
  created: z.string(),
  modified: z.string(),
})
/** Times are ISO 8601, sizes bytes. */
export type SandboxFile = z.output<typeof SandboxFile>
