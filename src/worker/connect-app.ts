import { Command } from 'commander'
import { connectApp } from '../shared/oauth/connect.ts'
import { connectAsOperator, findAbleProvider, parseUserId } from './operator-connection.ts'

// The entry of `npm run connect:app`: an operator's command, because what the app itself may read becomes the user's to read.
const program = new Command('npm run connect:app --')
  .description("Gives a user the operator's app itself, by its client credentials: nobody has to consent in a browser.")
  .requiredOption('--user <uuid>', 'the user who gets it', parseUserId)
  .option('--provider <id>', 'the provider; may be left out when just one offers it')
  .option('--client-id <id>', "another app of the operator's, where endpoints name theirs")
  .option('--json', 'print the integration as JSON', false)
  .parse()

const { user, provider, clientId, json } = program.opts<{ user: string; provider?: string; clientId?: string; json: boolean }>()

await connectAsOperator(
  () => findAbleProvider('clientCredentials', provider),
  json,
  (runtime, definition) => connectApp(runtime, definition, user, clientId),
)
