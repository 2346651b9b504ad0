/** The environment in which Supabase's CLI and Supabase Lite send no usage data. */
export const noTelemetry = { DO_NOT_TRACK: '1', LITE_TELEMETRY: '0', SUPABASE_TELEMETRY_DISABLED: '1' } as const
