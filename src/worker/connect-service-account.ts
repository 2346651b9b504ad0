import { Command } from 'commander'
import { connectServiceAccount } from '../shared/oauth/connect.ts'
import { connectAsOperator, findAbleProvider, parseUserId } from './operator-connection.ts'

// The entry of `npm run connect:service-account`: an operator's command, because what was shared with the service account becomes
// the user's to read.
const program = new Command('npm run connect:service-account --')
  .description(
    "Gives a user the account of the operator's service account, whose key file an environment variable names (README.md).",
  )
  .requiredOption('--user <uuid>', 'the user who gets it', parseUserId)
  .option('--provider <id>', 'the provider; may be left out when just one has service accounts')
  .option('--json', 'print the integration as JSON', false)
  .parse()

const { user, provider, json } = program.opts<{ user: string; provider?: string; json: boolean }>()

await connectAsOperator(
  () => findAbleProvider('serviceAccount', provider),
  json,
  (runtime, definition) => connectServiceAccount(runtime, definition, user),
)
