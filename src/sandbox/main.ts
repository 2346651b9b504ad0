import { Command, InvalidArgumentError } from 'commander'
import { defaultClient } from './oauth/clients.ts'
import { startSandbox } from './server.ts'

interface CliOptions {
  port: number
  root?: string
  copies: number
  extras: boolean
  state?: string
  redirectUri: string[]
  json: boolean
}

const command = new Command('sandbox')
  .description('Runs the providers that Patchbay connects to, simulated, on one local HTTP server.')
  .option('--port <number>', 'port to listen on; 0 for any', integer, 0)
  .option('--root <dir>', "folder whose tree becomes the default account's files")
  .option('--copies <number>', 'mount the tree this many times', integer, 1)
  .option('--extras', 'add what is rare, such as shared drives and files shared by someone else', false)
  .option('--state <dir>', 'folder that keeps tokens and changes for the next start')
  .option('--redirect-uri <uri>', 'allow this redirect URI only; repeat for more (default: any loopback address)', collect, [])
  .option('--json', 'print one line of JSON when ready', false)
  .parse()

const { port, root, copies, extras, state, redirectUri, json } = command.opts<CliOptions>()
const sandbox = await startSandbox({
  port,
  copies,
  extras,
  clients: [{ ...defaultClient, redirectUris: redirectUri }],
  ...(root !== undefined && { root }),
  ...(state !== undefined && { stateDir: state }),
}).catch((error: unknown) => command.error(error instanceof Error ? error.message : String(error)))
console.log(json ? JSON.stringify({ url: sandbox.url }) : `The sandbox is ready at ${sandbox.url}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void sandbox.close())
}

function integer(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('Give a whole number.')
  return value
}

function collect(value: string, before: string[]): string[] {
  return [...before, value]
}
