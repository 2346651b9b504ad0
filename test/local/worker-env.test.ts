import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { stat, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { sandboxEnv } from '../../src/local/sandbox-env.ts'
import { writeWorkerEnv } from '../../src/local/worker-env.ts'
import { addEndpoint, addUser } from '../db/rows.ts'
import { createTestDatabase } from '../support/database.ts'
import { scratchDir } from './scratch.ts'

it("leads commands to the platform of npm start, by a link named .env, and is its owner's alone, to read", async () => {
  await using database = await createTestDatabase()
  const endpointId = await addEndpoint(database.sql, await addUser(database.sql), { name: 'Here' })
  await using dir = await scratchDir()
  const key = () => randomBytes(32).toString('base64url')
  const keys = {
    jwtSecret: key(),
    publishableKey: key(),
    secretKey: key(),
    anonKey: key(),
    serviceRoleKey: key(),
    workerSecret: key(),
  }
  const platform = { url: 'http://127.0.0.1:54321', keys }
  const functionEnv = {
    ...sandboxEnv('http://127.0.0.1:54400'),
    CONNECTOR_REDIRECT_URLS: 'http://127.0.0.1:3000/a,http://127.0.0.1:3001/b',
    CONNECTOR_TOKEN_KEYS: `local:${key()}`,
  }
  for (const dbUrl of ['postgresql://an.earlier/start', database.url]) {
    await writeWorkerEnv(join(dir.path, 'env'), { ...platform, dbUrl }, functionEnv)
  }
  await symlink('env', join(dir.path, '.env'))

  const args = ['--env-file-if-exists=.env', resolve('src/worker/endpoint.ts'), 'list']
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: dir.path, env: {} })
  expect(stdout).toMatch(new RegExp(`^${endpointId} .+ Here\n$`))
  expect((await stat(join(dir.path, 'env'))).mode & 0o777).toBe(0o400)
})
