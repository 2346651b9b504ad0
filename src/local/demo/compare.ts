import type { Sql } from 'postgres'
import type { DemoEntry, SandboxDemo } from '../../sandbox/demo.ts'

type Account = Pick<SandboxDemo, 'files'>

/** What an endpoint for the whole account has to show: its own files that are not in the trash. */
export async function providerFiles(account: Account): Promise<DemoEntry[]> {
  const entries = await account.files()
  return entries.filter((entry) => !entry.isFolder && !entry.trashed && entry.driveId === null)
}

/** How the rows differ from the provider's files: no difference is an empty list. */
export async function compareWithProvider(sql: Sql, account: Account, endpointId: string): Promise<string[]> {
  const files = await providerFiles(account)
  const truth = new Map(files.map((file) => [file.id, `${file.path} (${file.size ?? 'no'} bytes)`]))
  const rows = await sql<{ external_file_id: string; text: string }[]>`
    select external_file_id, format('%s (%s bytes)', file_path, coalesce(file_size::text, 'no')) as text
    from public.files where endpoint_id = ${endpointId}::uuid`
  const differences: string[] = []
  for (const row of rows) {
    const file = truth.get(row.external_file_id)
    truth.delete(row.external_file_id)
    if (file === undefined) differences.push(`${row.text}: no longer at the provider`)
    else if (file !== row.text) differences.push(`${row.text}: at the provider it is ${file}`)
  }
  for (const file of truth.values()) differences.push(`${file}: missing`)
  return differences
}
