import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandbox, type Sandbox } from '../../src/sandbox/server.ts'
import { readConfig } from '../../src/shared/config.ts'
import { encryptFor, webhookOwner } from '../../src/shared/oauth/vault.ts'
import { addEndpoint, addUser, connectAccount } from '../db/rows.ts'
import { completeEnv, tokenKey } from '../oauth/support.ts'
import { startTestPlatform, type TestPlatform } from '../support/database.ts'
import { until } from '../support/until.ts'

// The same as an Edge Function: under Deno, behind the gateway, with the worker function woken by the delivery itself.

const key = tokenKey('k1')
const { tokenKeys } = readConfig({ ...completeEnv(), CONNECTOR_TOKEN_KEYS: key })
const secret = 's'.repeat(43)

describe.each(['deno', 'deno-2.1.4'] as const)('%s', (denoVersion) => {
  let sandbox: Sandbox
  let platform: TestPlatform

  beforeAll(async () => {
    sandbox = await startSandbox()
    platform = await startTestPlatform({
      denoVersion,
      sandboxUrl: sandbox.url,
      functionEnv: {
        GOOGLE_CLIENT_ID: 'sandbox-client',
        GOOGLE_CLIENT_SECRET: 'sandbox-secret',
        CONNECTOR_SANDBOX_URL: sandbox.url,
        CONNECTOR_REDIRECT_URLS: 'http://localhost:3000',
        CONNECTOR_TOKEN_KEYS: key,
      },
    })
  })
  afterAll(async () => {
    await platform.stop()
    await sandbox.close()
  })

  it('takes a delivery that proves itself, once, and works it off; refuses others', async () => {
    const { sql } = platform
    const userId = await addUser(sql)
    const integrationId = await connectAccount(sql, userId)
    const endpointId = await addEndpoint(sql, userId, { enabled: false })
    const id = randomUUID()
    const secretJwe = await encryptFor(webhookOwner(id), secret, tokenKeys)
    await sql`
      insert into patchbay.webhooks (
        id, endpoint_id, integration_id, provider, endpoint_type, endpoint_config, plan_key, params, functions_url, secret_jwe
      ) values (
        ${id}, ${endpointId}, ${integrationId}, 'google-drive', 'google_drive', '{}', 'account', '{}', '', ${secretJwe}
      )`

    expect((await deliver(id, secret)).status).toBe(200)
    expect((await deliver(id, secret)).status).toBe(200)
    expect((await deliver(id, 'x'.repeat(43))).status).toBe(401)
    const unknown = await deliver(randomUUID(), secret)
    expect([unknown.status, await unknown.json()]).toMatchObject([401, { error: { code: 'unauthorized' } }])
    expect((await fetch(`${platform.url}/functions/v1/webhooks/${id}`)).status).toBe(405)

    await until(async () => {
      const [row] = await sql`select count(*)::int as n from patchbay.webhook_events where processed_at is not null`
      return row?.['n'] === 1
    })
    expect(await sql`select from patchbay.webhook_events`).toHaveLength(1)
  })

  function deliver(id: string, shown: string): Promise<Response> {
    return fetch(`${platform.url}/functions/v1/webhooks/${id}`, {
      method: 'POST',
      headers: {
        'x-goog-channel-token': shown,
        'x-goog-channel-id': id,
        'x-goog-resource-id': 'resource',
        'x-goog-resource-state': 'change',
        'x-goog-message-number': '7',
      },
    })
  }
})
