import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { endAbandonedServer } from './postgres.ts'
import { ownProjectDir } from './services.ts'

// `npm run reset`: forgets the local platform's database, keys and sandbox. The next start makes new ones.
const dataDir = join(ownProjectDir, '.local')
try {
  await endAbandonedServer(join(dataDir, 'postgres'))
  await rm(dataDir, { recursive: true, force: true })
  console.log('The local platform is empty again: npm start makes a new one.')
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
