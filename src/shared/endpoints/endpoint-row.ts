import { z } from 'zod'

/** ISO 8601, or `infinity`. */
const Time = z.string()

/** A row of `public.endpoints`, as the Data API gives it. */
export const EndpointRow = z.object({
  id: z.guid(),
  user_id: z.guid(),
  name: z.string(),
  endpoint_type: z.string(),
  project_id: z.string(),
  description: z.string().nullable(),
  enabled: z.boolean().describe('False: paused.'),
  schedule_type: z.enum(['interval', 'cron']),
  schedule_cron: z.string(),
  interval_minutes: z.int().nullable(),
  time_zone: z.string(),
  file_types: z.array(z.string()).nullable(),
  max_files_per_sync: z.int().nullable(),
  endpoint_config: z.record(z.string(), z.unknown()),
  tags: z.array(z.unknown()).nullable(),
  integration_id: z.guid().nullable().describe('The account that is read; null: none yet.'),
  delete_guard_percent: z.int(),
  last_sync_status: z
    .enum(['pending', 'running', 'completed', 'partial', 'failed', 'stopped', 'cancelled'])
    .describe('partial: the next run goes on at once. stopped: the delete guard asks for confirmDeletions().'),
  last_sync_at: Time.nullable(),
  next_sync_at: Time.describe('When it is due; `infinity`: not until an account is connected.'),
  consecutive_failures: z.int(),
  last_error_code: z.string().nullable(),
  last_error_message: z.string().nullable().describe('Why the last run failed or stopped, in words for a person.'),
  deletions_confirmed_at: Time.nullable(),
  created_at: Time,
  updated_at: Time,
})
export type EndpointRow = z.output<typeof EndpointRow>
