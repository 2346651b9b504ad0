import type { z } from 'zod'
import { PatchbayError } from '../../errors.ts'
import type { ProviderApi } from '../../http/provider-api.ts'
import { Hub, Hubs, Project } from './answers.ts'
import { isOutOfSight } from './out-of-sight.ts'

export const origin = 'https://developer.api.autodesk.com'

const mostHubPages = 50

/** An account of Autodesk Construction Cloud. */
export interface Account {
  id: string
  region: string | undefined
}

/** The accounts among hubs: others are of Fusion Teams and of single persons. */
export function accountsOf(hubs: z.infer<typeof Hubs>): Account[] {
  return hubs.data.filter(({ id }) => id.startsWith('b.')).map(toAccount)
}

export async function getAccount(api: ProviderApi, hubId: string): Promise<Account> {
  const { data } = await api.get(hubPath(hubId), {}, Hub)
  return toAccount(data)
}

/** The account that a project is in. Throws `provider_not_found` when none of those that can be seen has it. */
export async function findAccount(api: ProviderApi, projectId: string): Promise<Account> {
  const hubs = await listHubs(api)
  const accounts = accountsOf(hubs)
  const missing = failingRegion(hubs)
  if (accounts.length === 0) throw missing ?? notAdded(hubs)
  for (const account of accounts) if (await hasProject(api, account.id, projectId)) return account
  // It may be in an account of the region that fails.
  if (missing) throw missing
  throw new PatchbayError('provider_not_found', `No account of Autodesk Construction Cloud shows the project ${projectId}.`, {
    context: { provider: 'autodesk', field: 'project_id' },
    hint: 'Check project_id, and that this person is a member of the project, which must be active. Or set hub_id.',
  })
}

export const hubsPath = '/project/v1/hubs'

export function hubPath(hubId: string): string {
  return `${hubsPath}/${encodeURIComponent(hubId)}`
}

/** What is wrong when a region that may have accounts does not answer: the hubs of all others come with status 200 all the same. */
export function failingRegion({ meta }: z.infer<typeof Hubs>): PatchbayError | undefined {
  const failing = meta?.warnings?.find(({ HttpStatusCode: status }) => status >= 500 || status === 429)
  if (!failing) return undefined
  const status = failing.HttpStatusCode
  const message = `Autodesk is failing to list the accounts of a region (${status}). Try again later.`
  return new PatchbayError('provider_unavailable', message, { context: { provider: 'autodesk', status } })
}

/** Autodesk answers 200 with an empty list and a warning for each region. */
export function notAdded({ meta }: z.infer<typeof Hubs>): PatchbayError {
  const reason = meta?.warnings?.[0]?.ErrorCode
  return new PatchbayError('provider_forbidden', 'Autodesk shows this app no account of Autodesk Construction Cloud.', {
    context: { provider: 'autodesk', status: 200, ...(reason && { reason }) },
    hint: 'An administrator of the account has to add the client id under Account Admin → Custom Integrations.',
  })
}

/** Links are absolute or relative. Only the path stays: the host is ours to say. */
export function pathOf(href: string): string {
  const { pathname, search } = new URL(href, origin)
  return pathname + search
}

/** Not paged as far as is known; a next link is followed all the same. */
async function listHubs(api: ProviderApi): Promise<z.infer<typeof Hubs>> {
  const hubs = await api.get(hubsPath, {}, Hubs)
  let { links } = hubs
  for (let pages = 1; links?.next && pages < mostHubPages; pages += 1) {
    const page = await api.get(pathOf(links.next.href), {}, Hubs)
    hubs.data.push(...page.data)
    links = page.links
  }
  return hubs
}

function toAccount({ id, attributes }: z.infer<typeof Hub>['data']): Account {
  return { id, region: attributes?.region ?? undefined }
}

/** Asks for the project itself: an account may have thousands, a page of which costs as much. */
async function hasProject(api: ProviderApi, hubId: string, projectId: string): Promise<boolean> {
  try {
    await api.get(`${hubPath(hubId)}/projects/${encodeURIComponent(projectId)}`, {}, Project)
    return true
  } catch (error) {
    // Whether there is no such project here or it is closed to this person is not said.
    if (isOutOfSight(error)) return false
    throw error
  }
}
