import { join } from 'node:path'
import { styleText } from 'node:util'
import { Command, Option } from 'commander'
import type { ProviderStatus } from '../client/contract.ts'
import { createPatchbay } from '../client/create-patchbay.ts'
import { PatchbayClientError } from '../client/errors.ts'
import type { ProviderDefinition } from '../shared/providers/define.ts'
import { findProvider, providers } from '../shared/providers/registry.ts'
import { connectInBrowser, redirectUrlOf } from './connect/connect-account.ts'
import { connectPageUrl } from './connect/connect-page.ts'
import { openBrowser } from './connect/open-browser.ts'
import { openPlatform, type OpenPlatform } from './connect/open-platform.ts'
import { chooseTarget, type Target } from './connect/target.ts'
import { connectProvider } from './demo/connect.ts'
import { firstEmail, signIn } from './demo/people.ts'
import { createNarrator } from './narrator.ts'
import { parsePort } from './parse-port.ts'
import { ownProjectDir } from './services.ts'
import { stopOnSignals } from './stop-on-signals.ts'

interface Options {
  user: string
  against?: Target
  yes: boolean
  open: boolean
  port: number
  dataDir?: string
  json: boolean
}

// The entry of `npm run connect`.
const program = new Command('npm run connect --')
  .description(
    'Connects one provider in a browser: the provider itself when .env has its client id and secret, else the sandbox.',
  )
  .argument('<provider>', providers.map(({ id }) => id).join(', '))
  .option('--user <email>', 'the user of the local platform who connects', firstEmail)
  .addOption(new Option('--against <what>', 'the provider itself, or its simulation').choices(['sandbox', 'provider']))
  .option('--yes', "agrees on the sandbox's consent page by itself", false)
  .option('--no-open', 'only prints the address, and opens no browser')
  .option('--port <port>', 'the port of the local platform, where none is running', parsePort, 54321)
  .option('--data-dir <dir>', 'where the local platform keeps its database; .local of this project')
  .option('--json', 'print the connection as JSON', false)
  .parse()

const stopping = stopOnSignals()

try {
  await run(findProvider(program.args[0] ?? ''), program.opts<Options>())
} catch (error) {
  // What breaks because it was interrupted is not worth telling.
  const { aborted } = stopping
  if (!aborted) process.stderr.write(`${styleText('red', '✗')} ${explain(error)}\n`)
  process.exitCode = aborted ? 130 : 1
}
// The servers are stopped; what a library may still hold open is no reason to stay.
process.exit()

async function run(definition: ProviderDefinition, options: Options): Promise<void> {
  const target = chooseTarget(definition, process.env, options.against)
  if (options.yes && target === 'provider') throw new Error('--yes agrees in the sandbox only. Add --against sandbox.')

  const dataDir = options.dataDir ?? join(ownProjectDir, '.local')
  const narrator = createNarrator(process.stderr)
  await using started = new AsyncDisposableStack()
  started.defer(() => narrator.stop())
  const platform = started.use(
    await openPlatform(definition, { target, env: process.env, narrator, dataDir, port: options.port }),
  )
  stopping.throwIfAborted()

  const status = await connectAs(definition, platform, target, options)
  if (options.json) console.log(JSON.stringify(status, null, 2))
  else print(definition, status)
}

async function connectAs(
  { id, name }: ProviderDefinition,
  platform: OpenPlatform,
  target: Target,
  { user, yes, open }: Options,
): Promise<ProviderStatus> {
  const person = await signIn(platform, user)
  if (yes) return connectProvider(person, id, connectPageUrl)

  const patchbay = createPatchbay(person.supabase)
  if (target === 'provider') {
    process.stderr.write(`Register this redirect URL at ${name}: ${await redirectUrlOf(patchbay, id)}\n`)
  }
  return connectInBrowser(patchbay, id, {
    signal: stopping,
    open: (url) => {
      process.stderr.write(`Open ${url} and agree. Ctrl-C ends the waiting.\n`)
      if (open) openBrowser(url)
    },
  })
}

function print({ name, tenant }: ProviderDefinition, status: ProviderStatus): void {
  const listed = (scopes: readonly string[]): string => scopes.join(' ') || '–'
  const facts = {
    account: status.accountLabel ?? '–',
    status: status.status,
    integration: status.integrationId ?? '–',
    scopes: listed(status.scopes),
    'missing scopes': listed(status.missingScopes),
    ...(tenant && { [tenant.list]: status.tenant?.label ?? 'none chosen yet: there are several' }),
  }
  console.log(styleText('bold', name))
  for (const [title, fact] of Object.entries(facts)) console.log(`  ${title.padEnd(16)}${fact}`)
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error instanceof PatchbayClientError && error.hint ? `${error.message} ${error.hint}` : error.message
}
