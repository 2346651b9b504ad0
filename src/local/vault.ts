import type { Sql } from 'postgres'

/** Stores secrets in Vault by name, new or changed ones only. */
export async function storeSecrets(sql: Sql, secrets: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, secret] of Object.entries(secrets)) {
    const [existing] = await sql<{ id: string; decrypted_secret: string }[]>`
      select id, decrypted_secret from vault.decrypted_secrets where name = ${name}`
    if (existing === undefined) await sql`select vault.create_secret(${secret}, ${name})`
    else if (existing.decrypted_secret !== secret) await sql`select vault.update_secret(${existing.id}, ${secret})`
  }
}
