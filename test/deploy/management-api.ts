import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { z } from 'zod'

/** What the platform is told of a function beside its files. */
const Metadata = z.object({
  name: z.string(),
  entrypoint_path: z.string(),
  import_map_path: z.string().optional(),
  verify_jwt: z.boolean().optional(),
})

const Body = z.object({
  metadata: z.union([z.string(), z.instanceof(File)]),
  file: z.union([z.array(z.instanceof(File)), z.instanceof(File).transform((file) => [file])]),
})

export interface Deployed {
  metadata: z.infer<typeof Metadata>
  /** By path, relative to the project. */
  files: Map<string, Uint8Array>
}

/** Stands in for Supabase's Management API, as far as "functions deploy" uses it. https://api.supabase.com/api/v1 */
export interface ManagementApi extends AsyncDisposable {
  url: string
  /** What was uploaded, by function. */
  deployed: Map<string, Deployed>
}

export async function startManagementApi(): Promise<ManagementApi> {
  const deployed = new Map<string, Deployed>()
  const app = new Hono()
  app.get('/v1/projects/:ref/functions', (c) => c.json([]))
  app.post('/v1/projects/:ref/functions/deploy', async (c) => {
    const body = Body.parse(await c.req.parseBody({ all: true }))
    const metadata = Metadata.parse(JSON.parse(typeof body.metadata === 'string' ? body.metadata : await body.metadata.text()))
    const files = new Map(await Promise.all(body.file.map(async (file) => [file.name, await file.bytes()] as const)))
    const slug = z.string().parse(c.req.query('slug'))
    deployed.set(slug, { metadata, files })
    return c.json(describe(slug, metadata), 201)
  })
  app.put('/v1/projects/:ref/functions', (c) =>
    c.json({ functions: [...deployed].map(([slug, { metadata }]) => describe(slug, metadata)) }),
  )
  app.get('/v1/projects/:ref', (c) =>
    c.json({ id: c.req.param('ref'), ref: c.req.param('ref'), name: 'stand-in', organization_id: 'x', region: 'local' }),
  )

  const server = createAdaptorServer({ fetch: app.fetch })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    deployed,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      if ('closeAllConnections' in server) server.closeAllConnections()
      await closed
    },
  }
}

function describe(slug: string, { name, verify_jwt = true }: Deployed['metadata']) {
  const now = Date.now()
  return { id: `${slug}-id`, slug, name, status: 'ACTIVE', version: 1, verify_jwt, created_at: now, updated_at: now }
}
