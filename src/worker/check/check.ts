import { asPatchbayError } from '../../shared/failure.ts'
import type { Runtime } from '../../shared/runtime.ts'

/** What one look at the project has found. No text of it has a secret. */
export interface Finding {
  /** `warning`: it works, or may be meant so. `failed`: something will not work. */
  state: 'ok' | 'warning' | 'failed'
  /** What was looked at and how it is, in one sentence. */
  text: string
  /** What to do. */
  remedy?: string
}

/** One thing that has to be in order. It writes nothing, neither here nor there. */
export interface Check {
  /** Kebab case; stable, for programs that read the JSON. */
  name: string
  needsDatabase: boolean
  run: (runtime: Runtime) => Promise<Finding | Finding[]>
}

export const ok = (text: string): Finding => ({ state: 'ok', text })
export const warning = (text: string, remedy: string): Finding => ({ state: 'warning', text, remedy })
export const failed = (text: string, remedy: string): Finding => ({ state: 'failed', text, remedy })

/** What a check finds; that it could not look is a finding too. */
export async function runCheck(check: Check, runtime: Runtime): Promise<Finding[]> {
  try {
    return [await check.run(runtime)].flat()
  } catch (error) {
    const { message, hint, code } = asPatchbayError(error)
    if (code !== 'internal_error') return [failed(message, hint ?? 'Mend that, and check again.')]
    const reason = error instanceof Error ? error.message : String(error)
    return [failed(`${check.name} could not be checked: ${reason}.`, 'Mend that, and check again.')]
  }
}
