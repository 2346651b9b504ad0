import type { Hook } from './hook-store.ts'

/** A hook as the API shows it. Its secret never is. */
export function hookDetails(hook: Hook) {
  const { hookId, event, hookAttribute, hookExpiry, folder } = hook
  return {
    hookId,
    tenant: folder,
    callbackUrl: hook.callbackUrl,
    createdBy: hook.createdBy,
    event,
    createdDate: hookTime(hook.created),
    lastUpdatedDate: hookTime(hook.updated),
    system: 'data',
    creatorType: hook.creatorType,
    status: hook.status,
    autoReactivateHook: hook.autoReactivateHook,
    ...(hookExpiry !== null && { hookExpiry }),
    ...(hookAttribute !== undefined && { hookAttribute }),
    scope: { folder },
    urn: `urn:adsk.webhooks:events.hook:${hookId}`,
    __self__: hookPath(hook),
  }
}

/** Where it is, below the API's own path. */
export function hookPath({ event, hookId }: Hook): string {
  return `/systems/data/events/${event}/hooks/${hookId}`
}

/** ISO 8601 with an offset that has no colon. */
function hookTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '+0000')
}
