import { z } from 'zod'
import { PatchbayError } from '../../errors.ts'

/** What an endpoint covers: the folders of a project that people see, or one folder and everything below it. */
export interface Scope {
  /** `b.` and a UUID. */
  projectId: string
  /** The project's account, `b.` and a UUID; undefined: to be found out. */
  hubId: string | undefined
  folderId: string | undefined
  /** Where the account's data is, as webhooks want to know; undefined: to be found out. */
  region: string | undefined
}

const regions = ['US', 'EMEA', 'AUS', 'CAN', 'DEU', 'IND', 'JPN', 'GBR'] as const

const Id = z.string().regex(/^b\.[\w.-]+$/)
// Strict: a misspelt folder_id must not turn a folder into the whole project.
const EndpointConfig = z.strictObject({
  /** Which app reads (patchbay.bind_client_id); the stream has no use for it. */
  client_id: z.string().min(1).optional(),
  project_id: Id,
  hub_id: Id.optional(),
  folder_id: z
    .string()
    .regex(/^urn:adsk\.\w+:\w+\.folder:[\w.-]+$/)
    .optional(),
  region: z.enum(regions).optional(),
})

const remedies: Readonly<Record<string, string>> = {
  client_id: 'the client id of your app, as a text; without it, the account of the endpoint’s user is read.',
  project_id: 'the project’s id in project_id: "b." and the UUID that the project’s address has after /projects/.',
  hub_id: 'the account’s id in hub_id: "b." and a UUID; without it, Patchbay finds the account.',
  folder_id:
    'a folder’s id in folder_id, such as "urn:adsk.wipprod:fs.folder:co.…": the folder’s address has it after folderUrn=, with %3A for each colon.',
  region: `one of ${regions.join(', ')} in region; without it, Patchbay asks for the account’s region.`,
}

/** Reads `endpoints.endpoint_config`. Throws `invalid_request`, naming the field. */
export function readScope(config: unknown): Scope {
  const parsed = EndpointConfig.safeParse(config)
  if (!parsed.success) throw invalid(...explain(parsed.error))
  const { project_id: projectId, hub_id: hubId, folder_id: folderId, region } = parsed.data
  return { projectId, hubId, folderId, region }
}

function explain(error: z.ZodError): [field: string, problem: string] {
  // A misspelt name says more than what is missing for it.
  const issue = error.issues.find(({ code }) => code === 'unrecognized_keys') ?? error.issues[0]
  if (issue?.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? ''
    return [key, `has the unknown key ${JSON.stringify(key)}. It takes ${Object.keys(remedies).join(', ')}.`]
  }
  const field = issue?.path.join('.') ?? ''
  const remedy = remedies[field]
  if (remedy === undefined) return ['endpoint_config', 'must be an object, such as {"project_id": "b.…"}.']
  return [field, `needs ${remedy}`]
}

function invalid(field: string, problem: string): PatchbayError {
  const message = `The endpoint_config of an autodesk_construction_cloud endpoint ${problem}`
  return new PatchbayError('invalid_request', message, { context: { provider: 'autodesk', field } })
}
