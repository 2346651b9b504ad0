import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import { connect } from '../../src/shared/db/connection.ts'
import { addEndpoint, parseEndpoint } from '../../src/worker/add-endpoint.ts'
import { askForEndpoint } from '../../src/worker/ask-endpoint.ts'
import { addUser, connectAccount } from '../db/rows.ts'
import { scratchDir } from '../local/scratch.ts'
import { startConnectedDrive, type ConnectedDrive } from '../support/connected-drive.ts'
import { until } from '../support/until.ts'
import { runCommand } from './commands.ts'

let drive: ConnectedDrive
let folderId: string

beforeAll(async () => {
  drive = await startConnectedDrive()
  folderId = (await googleSandbox(drive.sandboxUrl).createFolder({ name: 'Plans of 2026' })).id
})
beforeEach(async () => {
  await drive.sql`delete from public.endpoints`
})
afterAll(() => drive[Symbol.asyncDispose]())

const required = () => ['--user', drive.userId, '--type', 'google_drive', '--name', 'Project 0001']

describe('npm run endpoint:add', () => {
  it('adds an endpoint by its options, and none when it is run again', async () => {
    const settings = [
      '--config',
      `{"folder_id": "${folderId}"}`,
      '--file-types',
      'pdf, image/*',
      '--tags',
      'a,b',
      '--max-files',
      '50',
    ]
    const schedule = ['--cron', '0 6 * * 1-5', '--time-zone', 'Europe/Berlin', '--paused']
    const args = [...required(), ...settings, ...schedule, '--description', 'All plans', '--json']
    const first = await add(...args)
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(first.stdout)).toMatchObject({
      outcome: 'created',
      warning: null,
      endpoint: {
        user_id: drive.userId,
        name: 'Project 0001',
        project_id: 'project_0001',
        endpoint_type: 'google_drive',
        endpoint_config: { folder_id: folderId },
        integration_id: drive.integrationId,
        schedule_type: 'cron',
        schedule_cron: '0 6 * * 1-5',
        time_zone: 'Europe/Berlin',
        file_types: ['pdf', 'image/*'],
        tags: ['a', 'b'],
        max_files_per_sync: 50,
        description: 'All plans',
        enabled: false,
      },
    })
    expect(JSON.parse((await add(...args)).stdout)).toEqual({ ...JSON.parse(first.stdout), outcome: 'unchanged' })

    const changed = await add(...required(), '--every', '30')
    expect(changed.stdout).toMatch(/^Project 0001 is changed, as endpoint .+\.\n$/)
    expect(await drive.sql`select schedule_type, interval_minutes, max_files_per_sync from public.endpoints`).toEqual([
      { schedule_type: 'interval', interval_minutes: 30, max_files_per_sync: 50 },
    ])
  })

  it('adds one by a file, whose user may be given by e-mail', async () => {
    await using dir = await scratchDir()
    const path = join(dir.path, 'endpoint.json')
    const [user] = await drive.sql<[{ email: string }]>`select email from auth.users where id = ${drive.userId}::uuid`
    await writeFile(path, JSON.stringify({ name: 'From a file', endpoint_type: 'google_drive', interval_minutes: 15 }))

    const { stdout, code } = await add('--file', path, '--user', user.email.toUpperCase())
    expect(code).toBe(0)
    expect(stdout).toMatch(/^From a file is created, as endpoint /)
    expect(await drive.sql`select user_id, project_id, interval_minutes from public.endpoints`).toEqual([
      { user_id: drive.userId, project_id: 'from_a_file', interval_minutes: 15 },
    ])
  })

  it('adds one that waits for an account, and says so', async () => {
    const other = await addUser(drive.sql)
    const { code, stdout, stderr } = await add('--user', other, '--type', 'google_drive', '--name', 'Later')
    expect([code, stderr]).toEqual([0, 'It cannot be synced yet: Google Drive is not connected. Connect the account first.\n'])
    expect(stdout).toMatch(/^Later is created/)
  })

  it.each([
    ['no user', () => ['--type', 'google_drive', '--name', 'x'], 'user_id is missing. These can be set: '],
    ['a user who does not exist', () => ['--user', randomUUID()], 'There is no such user. Give the UUID or the e-mail address'],
    ['an unknown type', () => [...required(), '--type', 'dropbox'], 'There is no endpoint_type "dropbox". Known: '],
    ['a folder that is not there', () => [...required(), '--config', '{"folder_id": "none"}'], 'none'],
    ['a slip in a setting', () => [...required(), '--config', '{"foldr": "x"}'], 'unknown key "foldr"'],
    ['a setting that is no JSON', () => [...required(), '--config', '{'], 'It must be JSON'],
    [
      'a schedule that is none',
      () => [...required(), '--cron', 'daily'],
      "schedule_cron 'daily' is not a cron expression. Use five fields",
    ],
    [
      'a time zone that is none',
      () => [...required(), '--time-zone', 'Mars/Base'],
      "Unknown time_zone 'Mars/Base'. Use a name such as",
    ],
    ['two schedules', () => [...required(), '--cron', '0 6 * * *', '--every', '5'], 'Give --every or --cron, not both.'],
    ['a file that is not there', () => ['--file', '/nowhere/endpoint.json'], 'The file /nowhere/endpoint.json cannot be read.'],
    [
      'a pattern that takes for ever',
      () => [...required(), '--file-types', '*a*a*a'],
      'file_types has a pattern that is not allowed.',
    ],
    [
      "somebody else's account",
      () => [...required(), '--integration', randomUUID()],
      'This user has no such Google Drive connection.',
    ],
  ])('refuses %s, adds nothing, and exits with 1', async (_what, args, message) => {
    const { code, stdout, stderr } = await add(...args())
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(message)
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(await drive.sql`select from public.endpoints`).toHaveLength(0)
  })

  it('names a column that cannot be set', async () => {
    await using dir = await scratchDir()
    const path = join(dir.path, 'endpoint.json')
    await writeFile(path, JSON.stringify({ name: 'x', endpoint_type: 'google_drive', next_sync_at: 'now' }))
    const { code, stderr } = await add('--file', path, '--user', drive.userId)
    expect(code).toBe(1)
    expect(stderr).toContain('next_sync_at is no column that can be set. These can be set: user_id, name, ')
  })

  it('adds one endpoint, also when two run at the same time', async () => {
    const input = parseEndpoint({ user_id: drive.userId, name: 'Once', endpoint_type: 'google_drive' })
    const observer = connect(drive.databaseUrl, 1)
    let adding: ReturnType<typeof addEndpoint>[] = []
    await observer.begin(async (tx) => {
      // Whoever has found none gets no further than this, and then there are two.
      await tx`lock table public.endpoints in share row exclusive mode`
      adding = [1, 2].map(() => addEndpoint(drive.sql, input))
      await until(async () => {
        const waiting =
          await drive.sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
        return waiting.length === 2
      })
    })
    const added = await Promise.all(adding)
    await observer.end()
    expect(added.map(({ outcome }) => outcome).toSorted()).toEqual(['created', 'unchanged'])
    expect(new Set(added.map(({ endpoint }) => endpoint.id)).size).toBe(1)
  })
})

describe('in a terminal, npm run endpoint:add', () => {
  it('asks step by step, with what the provider has to choose from', async () => {
    const terminal = openTerminal()
    const asked = askForEndpoint(drive.runtime, {}, terminal)
    await terminal.answer('Whose endpoint is it?', enter)
    await terminal.pick('What does it sync?', 'google_drive')
    await terminal.pick('Which of the folders?', 'Plans of 2026')
    await terminal.answer('Its name', enter)
    await terminal.answer('How often?', down, enter)
    await terminal.answer('Which files?', 'pdf, dwg', enter)
    await terminal.answer('Add it?', enter)

    expect(await asked).toEqual({
      user_id: drive.userId,
      endpoint_type: 'google_drive',
      integration_id: drive.integrationId,
      endpoint_config: { folder_id: folderId },
      name: 'Plans of 2026',
      schedule_type: 'interval',
      interval_minutes: 60,
      file_types: ['pdf', 'dwg'],
    })
  })

  it('asks only for what is not said, and which of several accounts', async () => {
    const second = await connectAccount(drive.sql, drive.userId, { accountId: 'second' })
    const terminal = openTerminal()
    const given = { user_id: drive.userId, endpoint_type: 'google_drive', endpoint_config: {}, name: 'All', file_types: ['*'] }
    const asked = askForEndpoint(drive.runtime, given, terminal)
    await terminal.answer('Which account does it read?', enter)
    await terminal.answer('How often?', down, down, down, enter)
    await terminal.answer('Five fields', '0 7 * * *', enter)
    await terminal.answer('The time zone', 'Asia/Tokyo', enter)
    await terminal.answer('Add it?', enter)

    const expected = {
      ...given,
      integration_id: second,
      schedule_type: 'cron',
      schedule_cron: '0 7 * * *',
      time_zone: 'Asia/Tokyo',
    }
    expect(await asked).toEqual(expected)
    await drive.sql`delete from public.integrations where id = ${second}::uuid`
  })

  it('tells two folders of one name apart', async () => {
    const google = googleSandbox(drive.sandboxUrl)
    const twins = [await google.createFolder({ name: 'Twin' }), await google.createFolder({ name: 'Twin' })]
    const terminal = openTerminal()
    const given = {
      user_id: drive.userId,
      endpoint_type: 'google_drive',
      name: 'x',
      schedule_type: 'interval',
      file_types: ['*'],
    }
    const asked = askForEndpoint(drive.runtime, given, terminal)
    await terminal.pick('Which of the folders?', `Twin (${twins[1]?.id})`)
    await terminal.answer('Add it?', enter)
    expect(await asked).toMatchObject({ endpoint_config: { folder_id: twins[1]?.id } })
  })

  it.each(['What does it sync?', 'Its name', 'Add it?'])('adds nothing when it is left at "%s"', async (question) => {
    const terminal = openTerminal()
    const given = { user_id: drive.userId, endpoint_config: {}, schedule_type: 'interval', file_types: ['*'] }
    const asked = askForEndpoint(drive.runtime, given, terminal)
    const refused = asked.catch((error: unknown) => error)
    for (const [one, keys] of [
      ['What does it sync?', [enter]],
      ['Its name', ['x', enter]],
      ['Add it?', [enter]],
    ] as const) {
      await terminal.answer(one, ...(one === question ? [controlC] : keys))
      if (one === question) break
    }
    expect(await refused).toMatchObject({ message: 'Nothing was added.' })
    expect(await drive.sql`select from public.endpoints`).toHaveLength(0)
  })
})

const enter = '\r'
const down = '\u001B[B'
const controlC = '\u0003'

interface TestTerminal {
  input: PassThrough
  output: PassThrough
  /** Waits for the question, then presses the keys. */
  answer: (question: string, ...keys: string[]) => Promise<void>
  /** Waits for the question, then goes down to the item. */
  pick: (question: string, item: string) => Promise<void>
}

function openTerminal(): TestTerminal {
  const input = new PassThrough()
  const output = new PassThrough()
  let shown = ''
  let read = 0
  output.on('data', (chunk: Buffer) => {
    shown += stripVTControlCharacters(chunk.toString())
  })
  const reach = async (text: string) => {
    await until(async () => shown.includes(text, read))
    read = shown.indexOf(text, read) + text.length
  }
  const press = (keys: readonly string[]) => keys.forEach((key) => input.write(key))
  return {
    input,
    output,
    answer: async (question, ...keys) => {
      await reach(question)
      press(keys)
    },
    pick: async (question, item) => {
      await reach(question)
      const from = read
      await reach(item)
      const above = shown.slice(from, read).split('\n').length - 2
      press([...Array<string>(above).fill(down), enter])
    },
  }
}

function add(...args: string[]) {
  return runCommand('endpoint-add', args, drive.env)
}
