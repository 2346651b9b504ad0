import type { Sql } from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { addEndpoint, addFile, addUser, connectAccount } from './rows.ts'

// The SQL of the first seed, to the letter but for the values of the INSERT. It runs as the role and with the search_path of the
// dashboard's SQL editor.

const insertEndpoint = (userId: string) => `
   INSERT INTO endpoints (
       name,
       endpoint_type,
       project_id,
       user_id,
       endpoint_config
   ) VALUES (
       'Project 0001',
       'google_drive',
       'project_0001',
       '${userId}',
       '{
           "folder_id": "your-folder-id"
       }'
   );`

const tokenStatus = `
-- Get endpoints with token status
SELECT 
    e.name,
    e.endpoint_type,
    e.enabled,
    e.last_sync_status,
    CASE 
        WHEN t.expires_at > NOW() THEN 'Valid'
        WHEN t.expires_at IS NOT NULL THEN 'Expired'
        ELSE 'No Token'
    END as token_status
FROM endpoints e
LEFT JOIN oauth_tokens t ON e.id = t.endpoint_id AND t.is_active = true;`

const syncStatistics = `
-- Get sync statistics
SELECT 
    endpoint_id,
    COUNT(*) as total_files,
    SUM(file_size) as total_size,
    MAX(external_updated_at) as latest_update
FROM files
GROUP BY endpoint_id;`

describe("promise 8: what the seeds show, works as written: the seed's SQL", () => {
  let db: TestDatabase
  let sql: Sql
  let anna: string
  beforeEach(async () => {
    db = await createTestDatabase()
    sql = db.sql
    anna = await addUser(sql)
  })
  afterEach(() => db[Symbol.asyncDispose]())

  const statuses = async () => {
    const rows = await sql.unsafe<{ name: string; token_status: string }[]>(tokenStatus)
    return Object.fromEntries(rows.map((row) => [row.name, row.token_status]))
  }

  it('adds an endpoint with the defaults of the seed', async () => {
    await sql.unsafe(insertEndpoint(anna))

    const [endpoint] = await sql`select * from endpoints`
    expect(endpoint).toMatchObject({
      name: 'Project 0001',
      endpoint_type: 'google_drive',
      project_id: 'project_0001',
      user_id: anna,
      description: null,
      enabled: true,
      schedule_type: 'interval',
      schedule_cron: '*/5 * * * *',
      interval_minutes: 5,
      file_types: ['*'],
      max_files_per_sync: 1000,
      endpoint_config: { folder_id: 'your-folder-id' },
      tags: [],
      last_sync_status: 'pending',
    })
  })

  it('adds an endpoint that reads the account of its owner and is due at once', async () => {
    const integrationId = await connectAccount(sql, anna)
    await sql.unsafe(insertEndpoint(anna))

    expect(await sql`select integration_id, next_sync_at <= now() as due from endpoints`).toEqual([
      { integration_id: integrationId, due: true },
    ])
  })

  it('has every column of the seed, by its name and type', async () => {
    const rows = await sql<{ column: string; type: string }[]>`
      select table_name || '.' || column_name as column, data_type as type from information_schema.columns
      where table_schema = 'public'`
    const types = Object.fromEntries(rows.map((row) => [row.column, row.type]))

    expect(types).toMatchObject(seedColumns)
  })

  it('reports Valid, Expired and No Token', async () => {
    const users = {
      valid: anna,
      endless: await addUser(sql),
      expired: await addUser(sql),
      unconnected: await addUser(sql),
      refused: await addUser(sql),
    }
    await connectAccount(sql, users.valid)
    await connectAccount(sql, users.endless, { expiresIn: 'infinity' })
    await connectAccount(sql, users.expired, { expiresIn: '-1 minute' })
    const refused = await connectAccount(sql, users.refused)
    for (const [name, userId] of Object.entries(users)) await addEndpoint(sql, userId, { name })
    await sql`select patchbay.mark_needs_reauth(${refused}, 'primary', 1, 'The user revoked the consent.')`

    expect(await statuses()).toEqual({
      valid: 'Valid',
      endless: 'Valid',
      expired: 'Expired',
      unconnected: 'No Token',
      refused: 'No Token',
    })
  })

  it('reports one active token for each of many endpoints of one account', async () => {
    await addEndpoint(sql, anna, { name: 'before the consent' })
    await connectAccount(sql, anna)
    await addEndpoint(sql, anna, { name: 'after the consent' })

    expect(await statuses()).toEqual({ 'before the consent': 'Valid', 'after the consent': 'Valid' })
    const tokens = await sql`select endpoint_id, count(*)::int as tokens from oauth_tokens where is_active group by endpoint_id`
    expect(tokens.map((row) => row['tokens'])).toEqual([1, 1])
  })

  it('keeps no token text, not even ciphertext, in oauth_tokens', async () => {
    const integrationId = await connectAccount(sql, anna)
    await addEndpoint(sql, anna)

    const reference = `patchbay:${integrationId}`
    expect(await sql`select access_token, refresh_token from oauth_tokens`).toEqual([
      { access_token: reference, refresh_token: reference },
    ])
    await expect(sql`update oauth_tokens set access_token = 'ya29.secret'`).rejects.toMatchObject({ code: '428C9' })
  })

  it('counts files and bytes for each endpoint', async () => {
    const [plans, photos] = [await addEndpoint(sql, anna, { name: 'plans' }), await addEndpoint(sql, anna, { name: 'photos' })]
    await addFile(sql, plans, anna, { file_size: 3_000_000_000, external_updated_at: '2026-11-20T10:00:00Z' })
    await addFile(sql, plans, anna, { file_size: null, external_updated_at: '2026-11-21T10:00:00Z' })
    await addFile(sql, photos, anna, { file_size: 5 })

    const rows = await sql.unsafe<{ endpoint_id: string }[]>(syncStatistics)
    expect(Object.fromEntries(rows.map(({ endpoint_id: id, ...figures }) => [id, figures]))).toEqual({
      [plans]: { total_files: '2', total_size: '3000000000', latest_update: new Date('2026-11-21T10:00:00Z') },
      [photos]: { total_files: '1', total_size: '5', latest_update: null },
    })
  })
})

const seedColumns = {
  'endpoints.id': 'uuid',
  'endpoints.name': 'text',
  'endpoints.endpoint_type': 'text',
  'endpoints.project_id': 'text',
  'endpoints.user_id': 'uuid',
  'endpoints.description': 'text',
  'endpoints.enabled': 'boolean',
  'endpoints.schedule_type': 'text',
  'endpoints.schedule_cron': 'text',
  'endpoints.interval_minutes': 'integer',
  'endpoints.file_types': 'jsonb',
  'endpoints.max_files_per_sync': 'integer',
  'endpoints.endpoint_config': 'jsonb',
  'endpoints.tags': 'jsonb',
  'endpoints.last_sync_status': 'text',
  'oauth_tokens.id': 'uuid',
  'oauth_tokens.endpoint_id': 'uuid',
  'oauth_tokens.access_token': 'text',
  'oauth_tokens.refresh_token': 'text',
  'oauth_tokens.token_type': 'text',
  'oauth_tokens.scope': 'text',
  // A time without its zone is an error that waits: the seed's TIMESTAMP is a timestamptz here.
  'oauth_tokens.expires_at': 'timestamp with time zone',
  'oauth_tokens.is_active': 'boolean',
  'files.id': 'uuid',
  'files.endpoint_id': 'uuid',
  'files.external_file_id': 'text',
  'files.file_name': 'text',
  'files.file_path': 'text',
  'files.file_link': 'text',
  'files.file_size': 'bigint',
  'files.file_type': 'text',
  'files.mime_type': 'text',
  'files.external_created_at': 'timestamp with time zone',
  'files.external_updated_at': 'timestamp with time zone',
  'files.sync_status': 'text',
  'files.file_metadata': 'jsonb',
}
