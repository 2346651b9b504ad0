import { z } from 'zod'

// Answers of https://aps.autodesk.com/en/docs/data/v2 (JSON:API), of the gateway before it, and of webhooks.

const links = z.object({ next: z.object({ href: z.string() }).nullish() }).nullish()

/** GET https://api.userprofile.autodesk.com/userinfo */
export const UserInfo = z.object({
  sub: z.string(),
  name: z.string().nullish(),
  preferred_username: z.string().nullish(),
  email: z.string().nullish(),
})

/** The status is a text, such as `403`. */
const RegionWarning = z.object({ ErrorCode: z.string().nullish(), HttpStatusCode: z.coerce.number().catch(0) })

/** GET /project/v1/hubs. A region that fails is in `meta.warnings`, and the status is 200 all the same. */
export const Hubs = z.object({
  data: z.array(z.object({ id: z.string(), attributes: z.object({ name: z.string().nullish() }).nullish() })),
  links,
  meta: z.object({ warnings: z.array(RegionWarning).nullish() }).nullish(),
})

/** GET /project/v1/hubs/{hub}/projects */
export const Projects = z.object({
  data: z.array(z.object({ id: z.string(), attributes: z.object({ name: z.string() }) })),
  links,
})

const extension = z.object({ type: z.string() })
const Folder = z.object({
  type: z.literal('folders'),
  id: z.string(),
  attributes: z.object({
    name: z.string(),
    displayName: z.string().optional(),
    /** ISO 8601 with seven digits of a second, or three, or none. */
    lastModifiedTime: z.string().optional(),
    /** Of anything below the folder. */
    lastModifiedTimeRollup: z.string().optional(),
    hidden: z.boolean().optional(),
    extension,
  }),
})
const Item = z.object({
  type: z.literal('items'),
  id: z.string(),
  attributes: z.object({
    displayName: z.string(),
    createTime: z.string().optional(),
    lastModifiedTime: z.string().optional(),
    /** True once it is deleted: nothing is ever removed. */
    hidden: z.boolean().optional(),
    extension,
  }),
})
const Version = z.object({
  type: z.literal('versions'),
  id: z.string(),
  attributes: z.object({
    /** The file's; `displayName` may lack the extension. */
    name: z.string(),
    versionNumber: z.number().optional(),
    /** Bytes. */
    storageSize: z.number().optional(),
    fileType: z.string().optional(),
    mimeType: z.string().optional(),
    lastModifiedTime: z.string().optional(),
    extension,
  }),
})

/** GET /project/v1/hubs/{hub}/projects/{project}/topFolders */
export const TopFolders = z.object({ data: z.array(Folder), links })

/** GET /data/v1/projects/{project}/folders/{folder}/contents: `included` has the newest version of each item. */
export const FolderContents = z.object({
  data: z.array(z.discriminatedUnion('type', [Folder, Item])),
  included: z.array(Version).optional(),
  links,
})

/** POST /data/v1/projects/{project}/versions; how a file is deleted, too. */
export const CreatedVersion = z.object({ data: Version, included: z.array(Item).optional() })

/** An error of Data Management. Of errors only the code is read: the rest is for people. */
export const JsonApiErrors = z.object({ errors: z.tuple([z.object({ code: z.string() })]).rest(z.unknown()) })

/** An error of the gateway in front of every API. */
export const GatewayError = z.object({ errorCode: z.string() })

/** The reason code of either. */
export const ApiError = z.union([
  GatewayError.transform(({ errorCode }) => errorCode),
  JsonApiErrors.transform(({ errors: [{ code }] }) => code),
])

/** What a webhook of the system `data` sends for a version: added, modified, moved, deleted. */
export const VersionEvent = z.object({
  version: z.string(),
  /** Of the version. */
  resourceUrn: z.string(),
  hook: z.object({ hookId: z.string(), event: z.string(), status: z.string().optional() }),
  payload: z.object({
    /** The project's id without `b.`; a number in old projects, as the account's in `tenant`. */
    project: z.string(),
    tenant: z.string().optional(),
    source: z.string(),
    lineageUrn: z.string(),
    parentFolderUrn: z.string(),
    /** A UUID with the file's extension, in some events. */
    name: z.string(),
    ext: z.string().optional(),
    /** Decimal digits; absent when deleted. */
    version: z.string().optional(),
    sizeInBytes: z.number().optional(),
    hidden: z.boolean().optional(),
    /** From the root down. */
    ancestors: z.array(z.object({ urn: z.string(), name: z.string() })).optional(),
  }),
})
