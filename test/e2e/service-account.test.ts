import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { googleSandbox } from '../../src/sandbox/google/client.ts'
import { runSync } from '../../src/shared/sync/run-sync.ts'
import { addUser } from '../db/rows.ts'
import { startConnectedDrive } from '../support/connected-drive.ts'

const run = promisify(execFile)

it('reads what is shared with a service account, connected by the operator with its key file', async () => {
  await using drive = await startConnectedDrive()
  const google = googleSandbox(drive.sandboxUrl)
  const key = await google.serviceAccount()
  const folder = await google.createFolder({ name: 'for the team' })
  await google.createFile({ name: 'shared.txt', parentId: folder.id })
  await google.createFile({ name: 'private.txt' })
  await google.shareFile({ id: folder.id, account: key.client_email, shared: true })

  const keyDir = await mkdtemp(join(tmpdir(), 'patchbay-key-'))
  const userId = await addUser(drive.sql)
  try {
    const keyFile = join(keyDir, 'google-service-account.json')
    await writeFile(keyFile, JSON.stringify(key))
    const env = { ...drive.env, CONNECTOR_GOOGLE_DRIVE_CREDENTIALS_PATH: keyFile }
    // It is tried again, which the log has; stdout has the result only.
    await sandboxClient(drive.sandboxUrl).addFault({ fault: { type: 'server-error' }, match: { method: 'GET' } })
    const { stdout } = await run(process.execPath, ['src/worker/connect-service-account.ts', '--user', userId, '--json'], { env })
    expect(JSON.parse(stdout)).toMatchObject({ accountLabel: key.client_email })
  } finally {
    await rm(keyDir, { recursive: true, force: true })
  }

  const [endpoint] = await drive.sql<[{ id: string }]>`
    insert into public.endpoints (name, endpoint_type, project_id, user_id) values ('Team', 'google_drive', 'p', ${userId}::uuid)
    returning id`
  expect(await runSync(drive.runtime, endpoint.id, { deadline: Number.POSITIVE_INFINITY, pages: 10 })).toBe('completed')
  const files = await drive.sql`select file_path, user_id from public.files where endpoint_id = ${endpoint.id}::uuid`
  expect(files).toEqual([{ file_path: '/Shared with me/for the team/shared.txt', user_id: userId }])
})
