import { PatchbayError } from '../shared/errors.ts'
import { asPatchbayError } from '../shared/failure.ts'
import { accessRemedy } from './refusal.ts'

/** What to do where an environment variable is missing or wrong. */
export const settingsHint =
  'Set them in .env or in the environment (.env.example). For the platform of npm start: ln -s .local/env .env'

/** Says on stderr why a command could not be done, and makes it exit with 1. */
export function reportFailure(error: unknown): void {
  const failure = accessFailure(error) ?? asPatchbayError(error)
  const hint = failure.hint ?? (failure.code === 'config_invalid' ? settingsHint : undefined)
  process.stderr.write(`${failure.message}${hint ? `${failure.message.includes('\n') ? '\n' : ' '}${hint}` : ''}\n`)
  // Nobody foresaw it: the stack is all there is to go on.
  if (failure.code === 'internal_error' && failure.cause instanceof Error) process.stderr.write(`${failure.cause.stack}\n`)
  process.exitCode = 1
}

/** Postgres answers, and lets nobody in with this address. */
function accessFailure(error: unknown): PatchbayError | undefined {
  const hint = accessRemedy(error)
  if (hint === undefined || !(error instanceof Error)) return undefined
  return new PatchbayError('config_invalid', `The database lets nobody in: ${error.message}.`, { cause: error, hint })
}
