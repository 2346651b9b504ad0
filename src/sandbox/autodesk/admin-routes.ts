import { Hono } from 'hono'
import type { SandboxClock } from '../clock.ts'
import type { SandboxEnv } from '../provider.ts'
import { CustomIntegration, NewVersion, RateLimits, type FirstProject } from './admin-contract.ts'
import type { AutodeskDirectory } from './directory.ts'
import type { FileStore } from './files/file-store.ts'
import { firstProject } from './files/open-files.ts'
import type { RateLimit } from './rate-limit.ts'
import type { z } from 'zod'

interface AdminParts {
  directory: AutodeskDirectory
  files: FileStore
  limit: RateLimit
  clock: SandboxClock
}

/** The routes below `/_sandbox/autodesk`. */
export function autodeskAdminRoutes({ directory, files, limit, clock }: AdminParts): Hono<SandboxEnv> {
  const admin = new Hono<SandboxEnv>()
  admin.post('/custom-integrations', async (c) => {
    const { account, added } = CustomIntegration.parse(await c.req.json())
    directory.addApp(account, added)
    return c.body(null, 204)
  })
  admin.post('/rate-limits', async (c) => {
    limit.set(RateLimits.parse(await c.req.json()))
    return c.body(null, 204)
  })
  admin.get('/first-project', (c) => {
    const tree = files.tree(firstProject(directory).id)
    if (tree === undefined) throw new Error('There is no project.')
    const config = { project_id: tree.project.id, hub_id: tree.hub.id }
    return c.json({ config, rootId: files.projectFiles(tree).id } satisfies z.output<typeof FirstProject>)
  })
  admin.post('/versions', async (c) => {
    const { id, size } = NewVersion.parse(await c.req.json())
    const item = files.find(id)
    if (item?.kind !== 'items' || item.hidden) throw new Error(`There is no file ${id}.`)
    files.addVersion(item, { size, modified: clock.now() })
    return c.body(null, 204)
  })
  return admin
}
