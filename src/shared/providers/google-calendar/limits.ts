import type { ApiLimit } from '../define.ts'

/** Requests in a minute, of the app and of each user. https://developers.google.com/workspace/calendar/api/guides/quota */
export const limits: readonly ApiLimit[] = [
  { name: 'project-requests', per: 'app', amount: 10_000, periodMs: 60_000, cost: () => 1 },
  { name: 'user-requests', per: 'account', amount: 600, periodMs: 60_000, cost: () => 1 },
]
