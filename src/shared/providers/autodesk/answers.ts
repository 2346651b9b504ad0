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

const HubData = z.object({
  id: z.string(),
  /** `region` is one of those that webhooks take. */
  attributes: z.object({ name: z.string().nullish(), region: z.string().nullish() }).nullish(),
})

/** GET /project/v1/hubs/{hub} */
export const Hub = z.object({ data: HubData })

/** GET /project/v1/hubs. A region that fails is in `meta.warnings`, and the status is 200 all the same. */
export const Hubs = z.object({
  data: z.array(HubData),
  links,
  meta: z.object({ warnings: z.array(RegionWarning).nullish() }).nullish(),
})

/** GET /project/v1/hubs/{hub}/projects/{project} */
export const Project = z.object({ data: z.object({ id: z.string() }) })

/** GET /project/v1/hubs/{hub}/projects */
export const Projects = z.object({
  data: z.array(z.object({ id: z.string(), attributes: z.object({ name: z.string() }) })),
  links,
})

const extension = z.object({ type: z.string() })
/** A relationship to one other thing. */
const toOne = z.object({ data: z.object({ id: z.string() }).nullish() }).nullish()
const webView = z.object({ webView: z.object({ href: z.string() }).nullish() }).nullish()

const FolderData = z.object({
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
    extension: extension.extend({
      /** Of a top folder. `folderParents`: those above one that is the highest that a person may see, from the root down. */
      data: z.object({ folderParents: z.array(z.object({ title: z.string() })).nullish() }).nullish(),
    }),
  }),
  relationships: z.object({ parent: toOne }).nullish(),
})
const ItemData = z.object({
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
  links: webView,
  relationships: z.object({ tip: toOne, parent: toOne }).nullish(),
})
const VersionData = z.object({
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
  relationships: z.object({ storage: toOne }).nullish(),
})
export type FolderData = z.infer<typeof FolderData>
export type ItemData = z.infer<typeof ItemData>
export type VersionData = z.infer<typeof VersionData>

/** GET /project/v1/hubs/{hub}/projects/{project}/topFolders */
export const TopFolders = z.object({ data: z.array(FolderData), links })

/** GET /data/v1/projects/{project}/folders/{folder} */
export const Folder = z.object({ data: FolderData })

/** GET /data/v1/projects/{project}/items/{item}: `included` has the newest version. */
export const Item = z.object({ data: ItemData, included: z.array(VersionData).optional() })

/** GET /data/v1/projects/{project}/folders/{folder}/contents: `included` has the newest version of each item. */
export const FolderContents = z.object({
  data: z.array(z.discriminatedUnion('type', [FolderData, ItemData])),
  included: z.array(VersionData).optional(),
  links: z.object({ self: z.object({ href: z.string() }).nullish(), next: z.object({ href: z.string() }).nullish() }).nullish(),
})

/** POST /data/v1/projects/{project}/versions; how a file is deleted, too. */
export const CreatedVersion = z.object({ data: VersionData, included: z.array(ItemData).optional() })

/** An error of Data Management. Of errors only the code is read: the rest is for people. */
export const JsonApiErrors = z.object({ errors: z.tuple([z.object({ code: z.string() })]).rest(z.unknown()) })

/** An error of the gateway in front of every API. */
export const GatewayError = z.object({ errorCode: z.string() })

/** The reason code of either. */
export const ApiError = z.union([
  GatewayError.transform(({ errorCode }) => errorCode),
  JsonApiErrors.transform(({ errors: [{ code }] }) => code),
])

/**
 * What a webhook of the system `data` sends for a version: added, modified, moved, deleted. It also has the file's name, which may be a
 * UUID, its size and its place; they are read from the item itself, as deliveries come in any order.
 */
export const VersionEvent = z.object({
  hook: z.object({ hookId: z.string(), event: z.string() }),
  payload: z.object({
    /** The item's id. */
    lineageUrn: z.string().regex(/^urn:adsk\.[\w.]+:dm\.lineage:[\w-]+$/),
  }),
})
