import { z } from 'zod'

/** Whether the app is installed in the company. */
export const Installation = z.object({ companyId: z.number().int(), installed: z.boolean() })
export type Installation = z.output<typeof Installation>

/** Which of a connection's tokens ends it when it is revoked; the other is answered alike, and nothing happens. */
export const RevocableToken = z.object({ token: z.enum(['either', 'access_token', 'refresh_token']) })
export type RevocableToken = z.output<typeof RevocableToken>['token']

/** Requests an hour, for each user. */
export const HourlyLimit = z.object({ requests: z.number().int().nonnegative() })
