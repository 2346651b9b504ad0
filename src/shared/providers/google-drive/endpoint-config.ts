import { z } from 'zod'
import { PatchbayError } from '../../errors.ts'

/** What an endpoint covers: all that the account lists, one shared drive, or one folder and everything below it. */
export type Scope = { kind: 'account' } | { kind: 'drive'; id: string } | { kind: 'folder'; id: string }

const Id = z.string().regex(/^[\w-]+$/)
// Strict: a misspelt folder_id must not turn a folder into the whole account.
const EndpointConfig = z.strictObject({ drive_id: Id.optional(), folder_id: Id.optional() })

/** Reads `endpoints.endpoint_config`: `{}`, `{ drive_id }` or `{ folder_id }`. Throws `invalid_request`, naming the field. */
export function readScope(config: unknown): Scope {
  const parsed = EndpointConfig.safeParse(config)
  if (!parsed.success) throw invalid(...explain(parsed.error))
  const { drive_id: driveId, folder_id: folderId } = parsed.data
  if (driveId !== undefined && folderId !== undefined) {
    throw invalid('drive_id', 'takes drive_id or folder_id, not both. A folder of a shared drive needs its folder_id only.')
  }
  if (driveId !== undefined) return { kind: 'drive', id: driveId }
  if (folderId !== undefined) return { kind: 'folder', id: folderId }
  return { kind: 'account' }
}

function explain(error: z.ZodError): [field: string, problem: string] {
  const issue = error.issues[0]
  if (issue?.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? ''
    return [
      key,
      `has the unknown key ${JSON.stringify(key)}. It takes folder_id or drive_id; {} means everything in the account.`,
    ]
  }
  const field = issue?.path.join('.') ?? ''
  if (field === '') return ['endpoint_config', 'must be an object: {}, {"folder_id": "…"} or {"drive_id": "…"}.']
  return [field, `needs an id in ${field}: the last part of the folder's or drive's address, after /folders/.`]
}

function invalid(field: string, problem: string): PatchbayError {
  return new PatchbayError('invalid_request', `The endpoint_config of a google_drive endpoint ${problem}`, {
    context: { provider: 'google-drive', field },
  })
}
