import { providers } from '../../src/shared/providers/registry.ts'
import { openStage } from './scene.ts'

/** What is in a database with a live integration of every provider, and what must not be. Disposing of it deletes their users. */
interface LiveIntegrations extends AsyncDisposable {
  accountIds: string[]
  /** Every code, token and client secret so far, also in the forms that a dump may write them in. */
  secrets: string[]
}

/** Connects every provider of the registry, in one database: with a refreshed token, and one on its way to its revocation. */
export async function connectEveryProvider(databaseUrl: string): Promise<LiveIntegrations> {
  await using stack = new AsyncDisposableStack()
  const accountIds: string[] = []
  const secrets = ['sandbox-secret']
  for (const definition of providers) {
    const stage = stack.use(await openStage(definition, databaseUrl))
    const scene = stack.use(await stage.openScene())
    const { id } = await scene.connected()
    await scene.expire(id)
    await scene.list(id)
    const integration = await scene.integration(id)
    if (integration?.status !== 'connected') throw new Error(`${definition.name} is ${integration?.status}.`)
    const ended = await scene.connected()
    await ended.person.order('disconnect', ended.id)
    accountIds.push((await scene.account()).id)
    secrets.push(...(await scene.control.tokens()))
  }
  if (secrets.length <= 5 * providers.length) throw new Error(`Only ${secrets.length} secrets were issued.`)
  const running = stack.move()
  return { accountIds, secrets: secrets.flatMap(formsOf), [Symbol.asyncDispose]: () => running.disposeAsync() }
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  return [secret, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')]
}
