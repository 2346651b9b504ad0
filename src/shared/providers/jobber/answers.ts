import { z } from 'zod'

// Answers of https://developer.getjobber.com/docs, and the fields of the schema that the queries ask for.

/** `cost` and `versioning` come with every answer that was worked out; a refusal may have neither. */
export const Extensions = z.object({
  cost: z
    .object({
      requestedQueryCost: z.number(),
      actualQueryCost: z.number().nullish(),
      throttleStatus: z.object({
        maximumAvailable: z.number(),
        currentlyAvailable: z.number(),
        /** A second. */
        restoreRate: z.number().positive(),
      }),
    })
    .nullish(),
  versioning: z.object({ version: z.string(), warning: z.string().nullish() }).nullish(),
})

export const GraphqlError = z.object({
  message: z.string().nullish(),
  extensions: z.object({ code: z.string().nullish(), problems: z.array(z.unknown()).nullish() }).nullish(),
})

/** What every GraphQL answer has. */
export const GraphqlAnswer = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.array(z.unknown()).nullish(),
  extensions: Extensions.nullish(),
})

/** A field of `data` that is a mutation's result. */
export const MutationResult = z.object({ userErrors: z.array(z.unknown()) })

/** A refusal from in front of GraphQL. */
export const ErrorBody = z.object({
  message: z.string().nullish(),
  error: z.union([z.string(), z.object({ message: z.string().nullish() })]).nullish(),
})

export const Account = z.object({ data: z.object({ account: z.object({ id: z.string(), name: z.string() }) }) })

export const ClientPage = z.object({
  data: z.object({
    clients: z.object({
      nodes: z.array(z.object({ id: z.string(), name: z.string() })),
      pageInfo: z.union([
        z.object({ hasNextPage: z.literal(true), endCursor: z.string() }),
        z.object({ hasNextPage: z.literal(false) }),
      ]),
    }),
  }),
})

/** A token answer. `warning` tells of rotation that is switched off, and of an old refresh token that was sent. */
export const TokenBody = z.object({
  access_token: z.string(),
  refresh_token: z.string().nullish(),
  /** Such as `2024-04-09 21:04:31 UTC`. */
  expires_at: z.string().nullish(),
  warning: z.string().nullish(),
})

/** A webhook. Apps registered before December 2023 get the time as `occuredAt`. */
export const Webhook = z.object({
  data: z.object({
    webHookEvent: z.object({
      topic: z.string(),
      appId: z.string(),
      accountId: z.string(),
      itemId: z.string(),
      occurredAt: z.iso.datetime({ offset: true }).nullish(),
      occuredAt: z.iso.datetime({ offset: true }).nullish(),
    }),
  }),
})
