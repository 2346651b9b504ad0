import { z } from 'zod'

/** Whether a person's accounts have the app among their custom integrations. */
export const CustomIntegration = z.object({ account: z.string(), added: z.boolean() })
