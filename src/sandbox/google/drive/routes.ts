import { Hono, type MiddlewareHandler } from 'hono'
import type { SandboxClock } from '../../clock.ts'
import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import { bearerToken } from '../../oauth/bearer.ts'
import type { SandboxEnv } from '../../provider.ts'
import { findAccount } from '../accounts.ts'
import { accepts, seesOwnFilesOnly } from '../scopes.ts'
import { aboutResource } from './about.ts'
import type { Viewer } from './access.ts'
import type { ChangeChannels } from './change-channels.ts'
import { ApiError, insufficientScopes, invalidCredentials, invalidParameter, loginRequired, notSimulated } from '../api-error.ts'
import type { DriveStore } from './drive-store.ts'
import { FileEditor } from './edit-files.ts'
import { listChanges, startPageToken } from './list-changes.ts'
import { FileLister } from './list-files.ts'
import { memberDrive, readPageSize } from './parameters.ts'
import { driveResource, Responder } from './responder.ts'

interface DriveEnv {
  Bindings: SandboxEnv['Bindings']
  Variables: SandboxEnv['Variables'] & { viewer: Viewer; clientId: string }
}

const base = '/www.googleapis.com/drive/v3'
const usualDrivesPage = 10
const largestDrivesPage = 100

/** The Drive API, version 3. */
export function driveRoutes(
  store: DriveStore,
  oauth: AuthorizationServer,
  clock: SandboxClock,
  channels: ChangeChannels,
): Hono<DriveEnv> {
  const routes = new Hono<DriveEnv>()
  const lister = new FileLister(store)
  const editor = new FileEditor(store, clock)
  const respond = new Responder()

  routes.get(`${base}/about`, scopes(accepts.about), (c) => {
    const mask = respond.requiredMask('about', c.req.query())
    return respond.plain(aboutResource(store, c.var.viewer.account), mask)
  })

  routes.get(`${base}/files`, scopes(accepts.read), (c) => {
    const { viewer, itemLimit = Infinity } = c.var
    const mask = respond.mask('fileList', c.req.query())
    const { files, nextPageToken } = lister.list(c.req.query(), viewer, itemLimit)
    return respond.fileList(files, nextPageToken, viewer.account, mask)
  })
  routes.post(`${base}/files`, scopes(accepts.write), async (c) => {
    const { viewer, clientId } = c.var
    const mask = respond.mask('file', c.req.query())
    const file = editor.create(parseBody(await c.req.text()), c.req.query(), viewer, clientId)
    return respond.file(file, viewer.account, mask)
  })
  routes.get(`${base}/files/:fileId`, scopes(accepts.read), (c) => {
    if (c.req.query('alt') === 'media') throw notSimulated('downloads')
    const { viewer } = c.var
    const mask = respond.mask('file', c.req.query())
    return respond.file(editor.find(c.req.param('fileId'), c.req.query(), viewer), viewer.account, mask)
  })
  routes.patch(`${base}/files/:fileId`, scopes(accepts.update), async (c) => {
    const { viewer } = c.var
    const mask = respond.mask('file', c.req.query())
    const file = editor.update(c.req.param('fileId'), parseBody(await c.req.text()), c.req.query(), viewer)
    return respond.file(file, viewer.account, mask)
  })
  routes.delete(`${base}/files/:fileId`, scopes(accepts.write), (c) => {
    editor.delete(c.req.param('fileId'), c.req.query(), c.var.viewer)
    return c.body(null, 204)
  })

  routes.get(`${base}/changes/startPageToken`, scopes(accepts.read), (c) => {
    const mask = respond.mask('startPageToken', c.req.query())
    const token = startPageToken(c.req.query(), store, c.var.viewer)
    return respond.plain({ kind: 'drive#startPageToken', startPageToken: token }, mask)
  })
  routes.get(`${base}/changes`, scopes(accepts.read), (c) => {
    const { viewer, itemLimit = Infinity } = c.var
    const mask = respond.mask('changeList', c.req.query())
    const { entries, ...rest } = listChanges(c.req.query(), store, viewer, itemLimit)
    return respond.changeList(entries, rest, viewer.account, mask)
  })

  routes.post(`${base}/changes/watch`, scopes(accepts.read), async (c) => {
    const mask = respond.mask('channel', c.req.query())
    const { viewer, clientId } = c.var
    return respond.plain(channels.watch(await c.req.text(), c.req.query(), viewer, clientId), mask)
  })
  routes.post(`${base}/channels/stop`, scopes(accepts.read), async (c) => {
    channels.stop(await c.req.text(), c.var.viewer, c.var.clientId)
    return c.body(null, 204)
  })

  routes.get(`${base}/drives`, scopes(accepts.drives), (c) => {
    const mask = respond.mask('driveList', c.req.query())
    const { viewer, itemLimit = Infinity } = c.var
    const start = readDrivesToken(c.req.query('pageToken'))
    const end = start + Math.min(readPageSize(c.req.query(), usualDrivesPage, largestDrivesPage), itemLimit)
    const drives = [...store.drives.values()].filter((drive) => drive.members.includes(viewer.account.email))
    return respond.plain(
      {
        kind: 'drive#driveList',
        ...((end < drives.length || itemLimit === 0) && { nextPageToken: String(end) }),
        drives: drives.slice(start, end).map(driveResource),
      },
      mask,
    )
  })
  routes.get(`${base}/drives/:driveId`, scopes(accepts.drives), (c) => {
    const mask = respond.mask('drive', c.req.query())
    return respond.plain(driveResource(memberDrive(store, c.req.param('driveId'), c.var.viewer)), mask)
  })

  routes.all('/www.googleapis.com/*', (c) => {
    throw notSimulated(`${c.req.method} ${c.req.path}`)
  })
  routes.onError((error) => {
    if (error instanceof ApiError) return error.toResponse()
    throw error
  })
  return routes

  function scopes(accepted: readonly string[]): MiddlewareHandler<DriveEnv> {
    return async (c, next) => {
      const header = c.req.header('authorization')
      if (header === undefined) throw loginRequired()
      const verified = oauth.verify(bearerToken(header) ?? '')
      if (verified.state !== 'live') throw invalidCredentials()
      const { token } = verified
      const account = findAccount(token.account ?? '')
      if (account === undefined) throw invalidCredentials()
      if (!token.scopes.some((scope) => accepted.includes(scope))) throw insufficientScopes(accepted, 'drive.googleapis.com')
      // A service account is an app of its own.
      const clientId = token.clientId ?? account.email
      c.set('viewer', { account, onlyClient: seesOwnFilesOnly(token.scopes) ? clientId : null })
      c.set('clientId', clientId)
      return next()
    }
  }
}

function readDrivesToken(token: string | undefined): number {
  if (token === undefined) return 0
  if (!/^\d{1,9}$/.test(token)) throw invalidParameter('pageToken', 'Invalid Value')
  return Number(token)
}

// A move needs no body. One that is not JSON is refused like one that has the wrong shape.
function parseBody(text: string): unknown {
  if (text === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
