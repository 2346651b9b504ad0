import postgres from 'postgres'
import { startCron } from './cron.ts'
import { startNet } from './net.ts'

/** The running halves of the stand-ins for pg_cron and pg_net. */
export interface Extensions {
  stop(): Promise<void>
}

/**
 * Starts them; where the server has the real extension, there is nothing to start.
 * @param superuserUrl the database whose `cron` and `net` schemas are served
 */
export async function startExtensions(superuserUrl: string): Promise<Extensions> {
  const real = await installedExtensions(superuserUrl)
  const runners = [
    ...(real.includes('pg_cron') ? [] : [await startCron(superuserUrl)]),
    ...(real.includes('pg_net') ? [] : [await startNet(superuserUrl)]),
  ]
  return {
    async stop() {
      await Promise.all(runners.map((runner) => runner.stop()))
    },
  }
}

async function installedExtensions(url: string): Promise<string[]> {
  const sql = postgres(url, { max: 1, fetch_types: false })
  const rows = await sql<{ extname: string }[]>`select extname from pg_extension`
  await sql.end()
  return rows.map((row) => row.extname)
}
