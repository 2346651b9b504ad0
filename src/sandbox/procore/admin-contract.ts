import { z } from 'zod'

/** Whether the app is installed in the company. */
export const Installation = z.object({ companyId: z.number().int(), installed: z.boolean() })
export type Installation = z.output<typeof Installation>

/** Requests an hour, for each user. */
export const HourlyLimit = z.object({ requests: z.number().int().nonnegative() })
