/** The hosted runtime's; a plain Deno keeps running until its work is done. */
declare const EdgeRuntime: { waitUntil: (work: Promise<void>) => void } | undefined

/** Keeps the isolate alive until `work` is done, although the request is answered. */
export function inBackground(work: Promise<void>): void {
  if (typeof EdgeRuntime !== 'undefined') EdgeRuntime.waitUntil(work)
}
