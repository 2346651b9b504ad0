import { z } from 'zod'

/** Whether a person's accounts have the app among their custom integrations. */
export const CustomIntegration = z.object({ account: z.string(), added: z.boolean() })

/** Whether the published limits hold, and other figures for some of them: requests a minute, for each app, by operation. */
export const RateLimits = z.object({
  enabled: z.boolean(),
  perMinute: z.record(z.string(), z.number().int().nonnegative()).default({}),
})
export type RateLimits = z.input<typeof RateLimits>

/** The project that has the files from disk; `config` is that of an endpoint for it, `rootId` its folder of people's files. */
export const FirstProject = z.object({ config: z.record(z.string(), z.unknown()), rootId: z.string() })

/** New content of that many bytes. */
export const NewVersion = z.object({ id: z.string(), size: z.number().int().nonnegative() })
export type NewVersion = z.input<typeof NewVersion>
