import type { Runtime } from '../../shared/runtime.ts'
import { type Check, type Finding, runCheck } from './check.ts'
import { credentialChecks } from './credential-checks.ts'
import { databaseCheck, databaseChecks } from './database-checks.ts'
import { projectChecks } from './project-checks.ts'
import { schedulerChecks } from './scheduler-checks.ts'

/** All checks, in the order in which their findings make sense. */
export const checks: readonly Check[] = [
  ...projectChecks,
  databaseCheck,
  ...databaseChecks,
  ...schedulerChecks,
  ...credentialChecks,
]

/** Runs all checks, one after the other, but for those that need a database that does not answer; they are not listed then. */
export async function* runChecks(runtime: Runtime, onBegin: (check: Check) => void): AsyncGenerator<[Check, Finding[]]> {
  let databaseAnswers = true
  for (const check of checks) {
    if (check.needsDatabase && !databaseAnswers) continue
    onBegin(check)
    const findings = await runCheck(check, runtime)
    if (check === databaseCheck) databaseAnswers = findings.every(({ state }) => state === 'ok')
    yield [check, findings]
  }
}
