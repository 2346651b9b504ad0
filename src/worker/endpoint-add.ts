import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { PatchbayError } from '../shared/errors.ts'
import { type EndpointDraft, addEndpoint, findUser, parseEndpoint, requireText, tryEndpoint } from './add-endpoint.ts'
import { askForEndpoint } from './ask-endpoint.ts'
import { asOperator, print } from './operator.ts'

// The entry of `npm run endpoint:add`: an operator makes an endpoint for a user. In a terminal it asks for what the options do not say.
const program = new Command('npm run endpoint:add --')
  .description(
    'Adds an endpoint, or changes the one that the user has with this name and type. In a terminal it asks for what is missing.',
  )
  .option('--file <path>', 'a JSON object with columns of endpoints; options come before it')
  .option('--user <uuid or e-mail>', 'whose it is')
  .option('--type <endpoint_type>', 'what it syncs')
  .option('--name <name>')
  .option('--project-id <id>', "the app's own id for it; made of the name when it is left out")
  .option('--integration <uuid>', 'the account; needed where the user has several')
  .option('--config <json>', 'endpoint_config', parseJson)
  .option('--every <minutes>', 'an interval', parseWholeNumber)
  .option('--cron <expression>', 'a schedule of five fields')
  .option('--time-zone <name>', 'whose clock counts, such as Europe/Berlin')
  .option('--file-types <list>', 'extensions, MIME types or globs, with commas', parseList)
  .option('--tags <list>', 'with commas', parseList)
  .option('--max-files <number>', 'how many files one run reads', parseWholeNumber)
  .option('--description <text>')
  .option('--paused', 'it does not begin yet')
  .option('--no-test', 'save it without trying it at the provider')
  .option('--json', 'print the result as JSON', false)
  .parse()

interface Options {
  file?: string
  user?: string
  type?: string
  name?: string
  projectId?: string
  integration?: string
  config?: unknown
  every?: number
  cron?: string
  timeZone?: string
  fileTypes?: string[]
  tags?: string[]
  maxFiles?: number
  description?: string
  paused?: true
  test: boolean
  json: boolean
}

const options = program.opts<Options>()

await asOperator(2, async (runtime) => {
  const draft = { ...(options.file === undefined ? {} : readFile(options.file)), ...draftOf(options) }
  if (draft.user_id !== undefined) {
    draft.user_id = await findUser(runtime.sql, requireText('user_id', draft.user_id))
  }
  const complete = ['user_id', 'endpoint_type', 'name'].every((field) => field in draft)
  const terminal = process.stdin.isTTY && process.stdout.isTTY && !options.json
  const whole =
    !complete && terminal ? await askForEndpoint(runtime, draft, { input: process.stdin, output: process.stdout }) : draft
  const input = parseEndpoint(whole)

  const warning = options.test ? await tryEndpoint(runtime, input) : null
  const { outcome, endpoint } = await addEndpoint(runtime.sql, input)
  print(
    options.json,
    { outcome, warning, endpoint },
    `${endpoint.name} is ${outcome === 'unchanged' ? 'there already' : outcome}, as endpoint ${endpoint.id}.`,
  )
  if (warning !== null && !options.json) process.stderr.write(`It cannot be synced yet: ${warning}\n`)
})

function draftOf({ every, cron, paused, ...rest }: Options): EndpointDraft {
  if (every !== undefined && cron !== undefined) throw new PatchbayError('invalid_request', 'Give --every or --cron, not both.')
  const columns: EndpointDraft = {
    user_id: rest.user,
    endpoint_type: rest.type,
    name: rest.name,
    project_id: rest.projectId,
    integration_id: rest.integration,
    endpoint_config: rest.config,
    time_zone: rest.timeZone,
    file_types: rest.fileTypes,
    tags: rest.tags,
    max_files_per_sync: rest.maxFiles,
    description: rest.description,
    ...(every !== undefined && { schedule_type: 'interval', interval_minutes: every }),
    ...(cron !== undefined && { schedule_type: 'cron', schedule_cron: cron }),
    ...(paused && { enabled: false }),
  }
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined))
}

function readFile(path: string): EndpointDraft {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is no JSON' : 'cannot be read'
    throw new PatchbayError('invalid_request', `The file ${path} ${why}.`, { cause: error })
  }
  throw new PatchbayError('invalid_request', `The file ${path} must hold one JSON object, with columns of endpoints.`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new InvalidArgumentError('It must be JSON, such as {"folder_id": "…"}.')
  }
}

function parseWholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number from 1.')
}

function parseList(text: string): string[] {
  return text.split(',').map((part) => part.trim())
}
