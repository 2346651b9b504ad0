import { z } from 'zod'

// Answers of https://developers.procore.com/reference/rest. What is read is demanded, the rest may be missing or null.

/** A number in version 1 of the API, a text in version 2; it may need more than 32 bits. */
const Id = z.union([z.int(), z.string().min(1)]).transform(String)

const Named = z.object({ id: Id, name: z.string() })

/** GET /rest/v1.0/me. `login` is an e-mail address. */
export const Me = z.object({ id: Id, login: z.string().nullish(), name: z.string().nullish() })

/** One of GET /rest/v1.0/companies. */
export const Company = z.object({
  id: Id,
  name: z.string(),
  is_active: z.boolean().nullish(),
  logo_url: z.string().nullish(),
  my_company: z.boolean().nullish(),
})
export const Companies = z.array(Company)

/** An error: `errors` in version 1, `error` in version 2 and of OAuth, or `message`. Each is read by itself, as any may be null. */
export const ErrorBody = z.object({
  errors: z.unknown().optional(),
  error: z.unknown().optional(),
  message: z.unknown().optional(),
})
/** `error` of version 2. */
export const ErrorDetails = z.object({ code: z.string() })

/** GET /rest/v1.0/companies/{id}/project_regions */
export const ProjectRegions = z.array(Named)

/** A user of a company, of a list or by itself. */
export const CompanyUser = z.object({
  id: Id,
  name: z.string(),
  first_name: z.string().nullish(),
  last_name: z.string().nullish(),
  email_address: z.string().nullish(),
  employee_id: z.string().nullish(),
  job_title: z.string().nullish(),
  is_active: z.boolean().nullish(),
  is_employee: z.boolean().nullish(),
  last_login_at: z.iso.datetime({ offset: true }).nullish(),
  created_at: z.iso.datetime({ offset: true }).nullish(),
  updated_at: z.iso.datetime({ offset: true }).nullish(),
  vendor: Named.nullish(),
})

/** One of the people of a company or project, who need not be users. */
export const Person = z.object({
  id: Id,
  name: z.string(),
  first_name: z.string().nullish(),
  last_name: z.string().nullish(),
  employee_id: z.string().nullish(),
  is_employee: z.boolean().nullish(),
  user_id: Id.nullish(),
  user_uuid: z.string().nullish(),
  contact: z.object({ is_active: z.boolean().nullish(), email: z.string().nullish() }).nullish(),
})

/** A vendor of a company or of a project. */
export const Vendor = z.object({
  id: Id,
  name: z.string(),
  abbreviated_name: z.string().nullish(),
  email_address: z.string().nullish(),
  is_active: z.boolean().nullish(),
  project_ids: z.array(Id).nullish(),
  created_at: z.iso.datetime({ offset: true }).nullish(),
  updated_at: z.iso.datetime({ offset: true }).nullish(),
})

/** GET /rest/v1.0/projects/{id}/documents: files and folders, flat. `name_with_path` begins with the project's name. */
export const Documents = z.array(
  z.object({
    id: Id,
    name: z.string(),
    name_with_path: z.string(),
    parent_id: Id.nullish(),
    document_type: z.enum(['file', 'folder']),
    is_deleted: z.boolean().nullish(),
    is_recycle_bin: z.boolean().nullish(),
    private: z.boolean().nullish(),
    read_only: z.boolean().nullish(),
    created_at: z.iso.datetime({ offset: true }).nullish(),
    created_by: z.object({ id: Id, login: z.string().nullish(), name: z.string().nullish() }).nullish(),
    updated_at: z.iso.datetime({ offset: true }).nullish(),
  }),
)

/** GET /rest/v1.0/settings/permissions. Levels: 1 none, 2 read only, 3 standard, 4 admin. */
export const Permissions = z.object({
  tools: z.array(
    z.object({
      id: Id,
      name: z.string(),
      friendly_name: z.string().nullish(),
      user_access_level: z.object({ id: z.int(), name: z.string() }).nullish(),
    }),
  ),
})

/** GET /rest/v1.0/projects/{id}/submittals/filter_options/status_id */
export const SubmittalStatuses = z.array(z.object({ key: Id, value: z.string() }))

export const Trade = Named.extend({ active: z.boolean().nullish(), updated_at: z.iso.datetime({ offset: true }).nullish() })
