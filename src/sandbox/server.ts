import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SandboxClock } from './clock.ts'
import { Deliveries } from './deliveries.ts'
import { findFactories } from './find-factories.ts'
import { defaultClient, type OAuthClient } from './oauth/clients.ts'
import type { SandboxFactoryOptions } from './provider.ts'
import { serveProviders, type Sandbox } from './serve.ts'

export type { Sandbox } from './serve.ts'

/** How a sandbox is set up. */
export interface SandboxOptions {
  /** 0, the default: any free port. */
  port?: number
  /** Default 127.0.0.1. The sandbox has no protection of its own: keep it on this machine. */
  host?: string
  /** A folder on disk whose tree becomes the default account's files. */
  root?: string
  /** Mounts the tree that many times, below `copy-1`, `copy-2`, …; default 1, directly. */
  copies?: number
  /** Adds what is rare, so that a demo shows it: shared drives and documents, say, which no folder on disk has. */
  extras?: boolean
  /** Where tokens, changes and their order survive a restart. Without it, all is in memory. */
  stateDir?: string
  /** The apps that every provider knows; by default `sandbox-client`, which may redirect to any loopback address. */
  clients?: readonly OAuthClient[]
}

/** Starts all simulated providers on one HTTP server. Throws when the port is taken or `stateDir` cannot be used. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { port = 0, host = '127.0.0.1', stateDir } = options
  if (stateDir !== undefined) await mkdir(stateDir, { recursive: true })
  const clock = new SandboxClock()
  const deliveries = new Deliveries()
  const factories = await findFactories()
  const providers = await Promise.all(factories.map((create) => create({ ...factoryOptions(options), clock, deliveries })))
  return serveProviders(providers, { clock, deliveries, port, host })
}

function factoryOptions({
  root,
  stateDir,
  copies = 1,
  extras = false,
  clients = [defaultClient],
}: SandboxOptions): Omit<SandboxFactoryOptions, 'clock' | 'deliveries'> {
  return {
    copies,
    extras,
    clients,
    ...(root !== undefined && { root }),
    statePath: (name) => (stateDir === undefined ? undefined : join(stateDir, name)),
  }
}
