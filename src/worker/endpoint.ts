import { styleText } from 'node:util'
import { Command } from 'commander'
import type { EndpointRow } from '../shared/endpoints/endpoint-row.ts'
import { streamFor } from '../shared/providers/registry.ts'
import { findUser } from './add-endpoint.ts'
import { type Action, type EndpointFilter, actions, actOnEndpoint, findEndpoint, listEndpoints } from './operator-endpoints.ts'
import { asOperator, print } from './operator.ts'

// The entry of `npm run endpoint`: an operator looks at any user's endpoints, and does with them what their owners may.
const program = new Command('npm run endpoint --').description('Shows and steers the endpoints of all users.')

interface ListOptions extends EndpointFilter {
  json: boolean
}

program
  .command('list')
  .description('lists the endpoints')
  .option('--user <uuid or e-mail>', "only this user's")
  .option('--type <endpoint_type>', 'only of this type')
  .option('--status <last_sync_status>', 'only those whose last run ended so, such as failed')
  .option('--json', 'print them as JSON', false)
  .action(({ json, user, type, status }: ListOptions) =>
    asOperator(1, async ({ sql }) => {
      // Of a type that does not exist there are none, which would look like an answer.
      if (type !== undefined) streamFor(type)
      const endpoints = await listEndpoints(sql, { user: user && (await findUser(sql, user)), type, status })
      print(json, endpoints, endpoints.map(lineOf).join('\n') || 'There are none.')
    }),
  )

program
  .command('show')
  .description('shows one endpoint whole')
  .argument('<id or name>')
  .option('--json', 'print it as JSON', false)
  .action((which: string, { json }: { json: boolean }) =>
    asOperator(1, async ({ sql }) => {
      const endpoint = await findEndpoint(sql, which)
      print(json, endpoint, detailsOf(endpoint))
    }),
  )

const descriptions: Record<Action, string> = {
  pause: 'a run in progress ends with its page, and no other begins',
  resume: 'goes on after a pause, at once',
  sync: 'is due now, also while it waits after failures',
  cancel: 'ends the run in progress and drops the one that waits',
  resync: 'reads everything anew; rows stay until the pass has seen everything',
  'confirm-deletions': 'lets the next pass delete what the guard stopped',
}

for (const action of Object.keys(actions) as Action[]) {
  program
    .command(action)
    .description(descriptions[action])
    .argument('<id or name>')
    .option('--json', 'print the endpoint as JSON', false)
    .action((which: string, { json }: { json: boolean }) =>
      asOperator(1, async ({ sql }) => {
        const { id } = await findEndpoint(sql, which)
        const endpoint = await actOnEndpoint(sql, action, id)
        print(json, endpoint, lineOf(endpoint))
      }),
    )
}

await program.parseAsync()

function lineOf(endpoint: EndpointRow): string {
  const { id, name, endpoint_type: type, enabled, last_sync_status: status, next_sync_at: next } = endpoint
  const due = !enabled
    ? 'paused'
    : next === 'infinity'
      ? 'waits for an account'
      : `due ${next.slice(0, 16).replace('T', ' ')} UTC`
  return [id, status.padEnd(9), due.padEnd(24), type.padEnd(27), name].join('  ')
}

function detailsOf(endpoint: EndpointRow): string {
  const width = Math.max(...Object.keys(endpoint).map((name) => name.length))
  return Object.entries(endpoint)
    .map(
      ([name, value]) => `${styleText('dim', name.padEnd(width))}  ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    )
    .join('\n')
}
