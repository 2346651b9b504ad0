import { Command } from 'commander'
import { connectServiceAccount } from '../shared/oauth/connect.ts'
import { findProvider } from '../shared/providers/registry.ts'
import { reportFailure } from './failure.ts'
import { openRuntime } from './runtime.ts'

// The entry of `npm run connect:service-account`: an operator's command, because what was shared with the service account becomes
// the user's to read.
const program = new Command('npm run connect:service-account --')
  .description(
    "Gives a user the account of the operator's service account, whose key CONNECTOR_GOOGLE_DRIVE_CREDENTIALS_PATH names.",
  )
  .requiredOption('--user <uuid>', 'the user who gets it')
  .option('--provider <id>', 'the provider', 'google-drive')
  .option('--json', 'print the integration as JSON', false)
  .parse()

const { user, provider, json } = program.opts<{ user: string; provider: string; json: boolean }>()

try {
  const runtime = openRuntime(() => 1)
  try {
    const integration = await connectServiceAccount(runtime, findProvider(provider), user)
    console.log(
      json ? JSON.stringify(integration) : `${integration.accountLabel} is connected, as integration ${integration.id}.`,
    )
  } finally {
    await runtime.sql.end({ timeout: 5 })
  }
} catch (error) {
  reportFailure(error)
}
