import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { prepareDatabase } from './database.ts'
import { startGateway } from './gateway.ts'
import { startPostgres } from './postgres.ts'
import { ownProjectDir, startServices, type Platform, type ServiceOptions } from './services.ts'

export interface PlatformOptions extends Partial<ServiceOptions> {
  /** The gateway's port on 127.0.0.1; 0: any. Default: 54321. */
  port?: number
  /** False: faster, for data that may be lost. Default: true. */
  durable?: boolean
  /** Told what happens, and the share that is done, from 0 to 1. */
  progress?: (step: string, fraction: number) => void
}

/**
 * Starts Postgres, applies the migrations and serves REST, Auth and Edge Functions on one port. `dataDir` is `.local` in the project
 * unless given; `projectDir` is this project. Takes a few seconds the first time, about one later. Throws, and leaves nothing running,
 * when the port or the data directory is in use or a migration fails.
 */
export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const { port = 54321, durable = true, progress = () => {} } = options
  const projectDir = resolve(options.projectDir ?? ownProjectDir)
  const dataDir = resolve(options.dataDir ?? join(projectDir, '.local'))
  await mkdir(dataDir, { recursive: true })
  await using started = new AsyncDisposableStack()

  // First, because a port that is taken is the likeliest obstacle.
  const gateway = await startGateway(port)
  started.defer(() => gateway.close())
  progress('Starting Postgres', 0)
  const server = await startPostgres({ dir: join(dataDir, 'postgres'), port: 54340, durable })
  started.defer(() => server.stop())
  const database = (role: string) => server.url(role, 'postgres')
  progress('Applying migrations', 0.3)
  await prepareDatabase(database, projectDir, dataDir)
  progress('Starting REST, Auth and Edge Functions', 0.9)
  const platform = started.use(await startServices(gateway, database, { ...options, projectDir, dataDir }))
  progress('Ready', 1)

  const running = started.move()
  const stop = () => running.disposeAsync()
  return { ...platform, stop, [Symbol.asyncDispose]: stop }
}
