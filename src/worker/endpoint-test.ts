import { styleText } from 'node:util'
import { Command } from 'commander'
import type { EndpointRow } from '../shared/endpoints/endpoint-row.ts'
import { endpointSettings } from '../shared/endpoints/find-endpoint.ts'
import type { EndpointTest } from '../shared/endpoints/endpoint-test.ts'
import { testEndpoint } from '../shared/endpoints/test-endpoint.ts'
import { PatchbayError } from '../shared/errors.ts'
import { streamFor } from '../shared/providers/registry.ts'
import type { Runtime } from '../shared/runtime.ts'
import { findEndpoint, listEndpoints } from './operator-endpoints.ts'
import { asOperator } from './operator.ts'

// The entry of `npm run endpoint:test`: tries what endpoints need, and writes nothing.
const program = new Command('npm run endpoint:test --')
  .description('Tries credentials, reach and first page of endpoints, and writes nothing. Exits with 1 when a step fails.')
  .option('--type <endpoint_type>', 'all endpoints of this type')
  .option('--id <id or name>', 'one endpoint')
  .option('--json', 'print one JSON object a line', false)
  .parse()

const { type, id, json } = program.opts<{ type?: string; id?: string; json: boolean }>()

await asOperator(2, async (runtime) => {
  const endpoints = await chosen(runtime)
  let failed = 0
  for (const endpoint of endpoints) {
    const settings = await endpointSettings(runtime.sql, endpoint.user_id, endpoint.id)
    const test = await testEndpoint(runtime, settings, ({ message, hint }) => ({ message, hint: hint ?? null }))
    if (!test.ok) failed += 1
    process.stdout.write(`${json ? JSON.stringify({ id: endpoint.id, name: endpoint.name, ...test }) : report(endpoint, test)}\n`)
  }
  if (!json) process.stdout.write(`${endpoints.length - failed} of ${endpoints.length} endpoints can be synced.\n`)
  if (failed > 0) process.exitCode = 1
})

async function chosen({ sql }: Runtime): Promise<EndpointRow[]> {
  if ((type === undefined) === (id === undefined)) {
    throw new PatchbayError('invalid_request', 'Say which endpoints to test.', {
      hint: 'Use --type <endpoint_type> or --id <id or name>.',
    })
  }
  if (id !== undefined) return [await findEndpoint(sql, id)]
  // Of a type that does not exist there are none, which would look like success.
  if (type !== undefined) streamFor(type)
  const endpoints = await listEndpoints(sql, { type })
  if (endpoints.length > 0) return endpoints
  throw new PatchbayError('not_found', `There are no endpoints of the type ${type}.`, { hint: 'npm run endpoint:add makes one.' })
}

function report({ id: endpointId, name }: EndpointRow, test: EndpointTest): string {
  const marks = { ok: styleText('green', '✓'), failed: styleText('red', '✗'), skipped: styleText('dim', '-') }
  const steps = test.steps.map(({ step, status, code, message, hint }) => {
    const why = status === 'failed' ? `: ${message} ${hint ?? ''} (${code})`.replace('  ', ' ') : ''
    return `  ${marks[status]} ${step.replace('_', ' ')}${why}`
  })
  const found = `  ${test.files} files, ${test.matching} of them of its file_types, and ${test.folders} folders${test.more ? ', and more' : ''}: ${test.names.join(', ')}`
  return [`${name} (${endpointId})`, ...steps, ...(test.ok ? [found] : [])].join('\n')
}
