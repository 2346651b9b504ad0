import { z } from 'zod'

export const stepNames = ['credentials', 'reach', 'first_page'] as const

export const EndpointTest = z.object({
  ok: z.boolean(),
  steps: z
    .array(
      z.object({
        step: z
          .enum(stepNames)
          .describe(
            'credentials: the token is good. reach: the provider answers, and has the root. first_page: its contents can be read.',
          ),
        status: z.enum(['ok', 'failed', 'skipped']),
        code: z.string().nullable(),
        message: z.string().nullable(),
        hint: z.string().nullable(),
      }),
    )
    .describe('In this order; what follows a failed one is skipped.'),
  files: z.int().describe('How many files were on the pages that were read, until one had some.'),
  matching: z.int().describe('How many of these file_types lets through.'),
  folders: z.int(),
  more: z.boolean().describe('Whether there is more.'),
  names: z.array(z.string()).describe('Some of what was found; a folder ends with a slash.'),
})
export type EndpointTest = z.output<typeof EndpointTest>
