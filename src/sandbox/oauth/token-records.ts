import { z } from 'zod'

// What is kept of grants and tokens. Times are milliseconds since the epoch, by the provider's clock.

export const GrantRecord = z.object({
  id: z.string(),
  account: z.string(),
  clientId: z.string(),
  /** By line. */
  scopes: z.record(z.string(), z.array(z.string())),
  ended: z.boolean(),
})
export type GrantRecord = z.output<typeof GrantRecord>

/** The tokens of one line that come from the same consent or call, however often they were refreshed. */
export const FamilyRecord = z.object({ id: z.string(), grantId: z.string(), line: z.string(), ended: z.boolean() })
export type FamilyRecord = z.output<typeof FamilyRecord>

export const AccessRecord = z.object({
  account: z.string().nullable(),
  clientId: z.string().nullable(),
  line: z.string(),
  scopes: z.array(z.string()),
  /** Null for a token without a user's consent. */
  familyId: z.string().nullable(),
  /** Null: never. */
  expiresAt: z.number().nullable(),
  ended: z.boolean(),
})
export type AccessRecord = z.output<typeof AccessRecord>

export const RefreshRecord = z.object({
  scopes: z.array(z.string()),
  familyId: z.string(),
  expiresAt: z.number().nullable(),
  /** Since when it has a successor; null before its first use, or when using it changes nothing. */
  replacedAt: z.number().nullable(),
  /** When it stops working because it was replaced; null: it does not. */
  deadAt: z.number().nullable(),
  ended: z.boolean(),
})
export type RefreshRecord = z.output<typeof RefreshRecord>

export const StoredTokens = z.object({
  grants: z.array(GrantRecord),
  families: z.array(FamilyRecord),
  accessTokens: z.record(z.string(), AccessRecord),
  refreshTokens: z.record(z.string(), RefreshRecord),
  /** JSON Web Keys by algorithm. */
  keys: z.record(z.string(), z.record(z.string(), z.unknown())),
})
export type StoredTokens = z.output<typeof StoredTokens>
