import { Hono, type MiddlewareHandler } from 'hono'
import { ItemId, ItemName, ItemPlace, ItemVisibility, NewSandboxFiles, NewSandboxFolders, NewTree } from './admin-contract.ts'
import type { SandboxEnv, SandboxFileControl, SandboxProvider } from './provider.ts'

interface FileControlEnv {
  Bindings: SandboxEnv['Bindings']
  Variables: SandboxEnv['Variables'] & { files: SandboxFileControl }
}

/** The control of the files of every simulated provider, below `/_sandbox/files/<endpoint type>`. */
export function fileControlRoutes(providers: readonly SandboxProvider[]): Hono<FileControlEnv> {
  const controls = new Map(providers.flatMap(({ files = {} }) => Object.entries(files)))
  const routes = new Hono<FileControlEnv>()
  routes.get('/', (c) => c.json([...controls.keys()]))
  routes.use('/:type/*', findControl(controls))

  routes.post('/:type/trees', async (c) => {
    const { account, name } = NewTree.parse(await c.req.json())
    return c.json(c.var.files.createTree(account, name), 201)
  })
  routes.post('/:type/folders', async (c) => {
    const { parentId, names } = NewSandboxFolders.parse(await c.req.json())
    return c.json({ ids: c.var.files.addFolders(parentId, names) }, 201)
  })
  routes.post('/:type/files', async (c) => {
    const { parentId, files } = NewSandboxFiles.parse(await c.req.json())
    return c.json({ ids: c.var.files.addFiles(parentId, files) }, 201)
  })
  routes.get('/:type/files', (c) => c.json(c.var.files.list(ItemId.parse(c.req.query()).id)))
  routes.post('/:type/rename', async (c) => {
    const { id, name } = ItemName.parse(await c.req.json())
    c.var.files.rename(id, name)
    return c.body(null, 204)
  })
  routes.post('/:type/move', async (c) => {
    const { id, parentId } = ItemPlace.parse(await c.req.json())
    c.var.files.move(id, parentId)
    return c.body(null, 204)
  })
  routes.post('/:type/visible', async (c) => {
    const { id, visible } = ItemVisibility.parse(await c.req.json())
    c.var.files.setVisible(id, visible)
    return c.body(null, 204)
  })
  for (const deed of ['trash', 'restore', 'remove'] as const) {
    routes.post(`/:type/${deed}`, async (c) => {
      c.var.files[deed](ItemId.parse(await c.req.json()).id)
      return c.body(null, 204)
    })
  }
  return routes
}

function findControl(controls: ReadonlyMap<string, SandboxFileControl>): MiddlewareHandler<FileControlEnv, '/:type/*'> {
  return async (c, next) => {
    const type = c.req.param('type')
    const files = controls.get(type)
    if (files === undefined) {
      return c.json({ error: `The sandbox has no files of the type ${type}, only ${[...controls.keys()].join(', ')}.` }, 404)
    }
    c.set('files', files)
    return next()
  }
}
