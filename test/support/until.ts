import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves when `condition` holds; the test's own timeout ends it otherwise. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(10)
}
