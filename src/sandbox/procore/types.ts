// As much of Procore's entities as is sent, after the OpenAPI description of May 2026. https://developers.procore.com/reference/rest

/** GET /rest/v1.0/me */
export interface Me {
  id: number
  /** An e-mail address. */
  login: string
  /** Only when the request names a company or a project. */
  name: string | null
}

/** One of GET /rest/v1.0/companies. */
export interface Company {
  id: number
  name: string
  is_active: boolean
  logo_url: string | null
  /** True for one company of a user at most. */
  my_company: boolean
  pcn_business_experience: boolean | null
}

/** One of GET /rest/v1.1/projects. */
export interface Project {
  id: number
  name: string
  display_name: string
  project_number: string
  active: boolean
  address: string
  city: string
  state_code: string
  country_code: string
  time_zone: string
  project_stage: Named
  company: Named
  /** ISO 8601, UTC. */
  created_at: string
  updated_at: string
}

interface Named {
  id: number
  name: string
}

/** Of version 1. `errors` may also be a text or an object. */
export interface ErrorBody {
  errors: string | readonly string[] | Readonly<Record<string, readonly string[]>>
}
