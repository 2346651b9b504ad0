import { Command } from 'commander'
import { rotateKeys } from '../shared/oauth/rotate-keys.ts'
import { asOperator, print } from './operator.ts'

// The entry of `npm run tokens:rotate`: an operator's command, after a new key was put first in CONNECTOR_TOKEN_KEYS everywhere.
const program = new Command('npm run tokens:rotate --')
  .description(
    'Encrypts every stored token with the first of CONNECTOR_TOKEN_KEYS, while the system runs. May be interrupted and run again.',
  )
  .option('--json', 'print the result as JSON', false)
  .parse()

const { json } = program.opts<{ json: boolean }>()

await asOperator(1, async (runtime) => {
  const rotated = await rotateKeys(runtime, showProgress)
  print(json, { rotated }, `${rotated.toLocaleString('en')} tokens are under the first key now.`)
})

function showProgress(done: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${done.toLocaleString('en')} tokens`)
}
