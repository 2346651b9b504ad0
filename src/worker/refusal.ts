import postgres from 'postgres'
import { type ErrorCode, PatchbayError, errorCodes } from '../shared/errors.ts'

/**
 * What the database refused, as an error of ours: by `patchbay.refuse_call`, which names a code in the detail, by a check, or because an
 * id is none. Anything else comes back as it is.
 */
export function refusalOf(error: unknown): unknown {
  if (!(error instanceof postgres.PostgresError)) return error
  const { code, message, detail, hint, constraint_name: constraint } = error
  const options = { cause: error, ...(hint !== undefined && { hint }) }
  if (code.startsWith('PT') && isErrorCode(detail)) return new PatchbayError(detail, message, options)
  if (code === '23514') return new PatchbayError('invalid_request', sentence(message), options)
  if (code === '23503' && constraint === 'endpoints_user_id_fkey') {
    return new PatchbayError('invalid_request', 'user_id is not the id of a user.', {
      cause: error,
      hint: 'The users are in auth.users.',
    })
  }
  if (code === '22P02') return new PatchbayError('invalid_request', sentence(message), { cause: error })
  return error
}

/** What to correct where Postgres refuses the connection itself. <https://www.postgresql.org/docs/current/errcodes-appendix.html> */
export function accessRemedy(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code.startsWith('28')) return 'Correct user and password in CONNECTOR_DATABASE_URL (dashboard: Connect).'
  if (code === '3D000') return 'Correct the name of the database in CONNECTOR_DATABASE_URL; it is postgres.'
  return undefined
}

function isErrorCode(text: string | undefined): text is ErrorCode {
  return text !== undefined && Object.hasOwn(errorCodes, text)
}

/** Postgres' own messages have no full stop. */
function sentence(text: string): string {
  return text.endsWith('.') ? text : `${text}.`
}
