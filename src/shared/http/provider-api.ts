import type { z } from 'zod'

/** One provider's API for one integration. Every request carries its bearer token, and goes to the provider's own hosts only. */
export interface ProviderApi {
  /** Sends GET `path` below the provider's `baseUrl` and parses the JSON answer. Throws PatchbayError, sorted by outcome. */
  get: <T>(path: string, query: Readonly<Record<string, string | undefined>>, schema: z.ZodType<T>) => Promise<T>
  /** What this object has sent and received so far. */
  usage: Usage
}

export interface Usage {
  /** Requests sent, retries included. */
  requests: number
  /** Bytes of answers, decoded. */
  bytes: number
}
