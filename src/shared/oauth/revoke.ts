import { asPatchbayError } from '../failure.ts'
import { sharedPermits } from '../http/permits.ts'
import { createProviderApi } from '../http/provider-api.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import { findProvider, providers } from '../providers/registry.ts'
import type { Runtime } from '../runtime.ts'
import { refreshTokens, revokeToken } from './client.ts'
import type { TokenSource } from './token-source.ts'
import { decryptFor, secretOwner } from './vault.ts'

interface RevocationRow {
  id: string
  integration_id: string
  user_id: string
  provider: string
  account_id: string
  account_label: string | null
  name: string
  access_token_jwe: string
  refresh_token_jwe: string | null
}

/**
 * Tells the provider that a token is no longer used, and forgets it; what the job of a disconnect runs. Throws what may pass by itself,
 * so that the job is tried again; a provider that cannot or will not is recorded and left.
 */
export async function revokeStoredToken(runtime: Runtime, revocationId: string): Promise<void> {
  const { sql } = runtime
  const [row] = await sql<RevocationRow[]>`select * from patchbay.revocations where id = ${revocationId}::uuid`
  if (!row) return
  const definition = findProvider(row.provider)
  const { revocation } = definition.auth
  const finish = (event: 'revoked' | 'revocation_skipped' | 'revocation_failed', reason: string | null) =>
    sql`select patchbay.finish_revocation(${row.id}::uuid, ${event}, ${reason})`

  if (!revocation) {
    await finish(
      'revocation_skipped',
      `${definition.name} has no way to revoke a token: remove the app in the account's own settings.`,
    )
    return
  }
  if (revocation.ends === 'grant' && (await isShared(runtime, definition, row))) {
    await finish('revocation_skipped', `Another connection of this account uses the same consent at ${definition.name}.`)
    return
  }
  try {
    await revokeAt(runtime, definition, row)
  } catch (error) {
    const failure = asPatchbayError(error)
    if (failure.outcome === 'transient') throw failure
    // Refused because it is no longer good: that is what was asked for.
    if (failure.outcome !== 'reconnect') return void (await finish('revocation_failed', failure.message))
  }
  await finish('revoked', null)
}

async function revokeAt(runtime: Runtime, definition: ProviderDefinition, row: RevocationRow): Promise<void> {
  const { revocation } = definition.auth
  const owner = secretOwner(row.integration_id, row.name)
  const { tokenKeys } = runtime.config
  const accessToken = await decryptFor(owner, row.access_token_jwe, tokenKeys)
  const refreshToken = row.refresh_token_jwe === null ? null : await decryptFor(owner, row.refresh_token_jwe, tokenKeys)
  if (revocation?.by === 'request') {
    const tokens = lastTokens(runtime, definition, accessToken, refreshToken)
    const permits = sharedPermits(runtime, definition, row.integration_id)
    await createProviderApi({ runtime, definition, tokens, permits }).send(revocation.request)
  } else if (revocation?.by === 'token') {
    // Both: which of them ends the other is told by few providers, and one that is unknown is answered like one that has ended. The
    // refresh token last, as with some nothing is known any more once it has ended.
    await revokeToken(runtime, definition, revocation.url, { token: accessToken, hint: 'access_token' })
    if (refreshToken !== null)
      await revokeToken(runtime, definition, revocation.url, { token: refreshToken, hint: 'refresh_token' })
  }
}

/** The access token, and once it is refused a last one, which is stored nowhere: the next thing that happens to it is its end. */
function lastTokens(
  runtime: Runtime,
  definition: ProviderDefinition,
  accessToken: string,
  refreshToken: string | null,
): TokenSource {
  const token = { accessToken, tokenType: 'Bearer', version: 0n }
  return {
    get: async () => token,
    renew: async () => {
      if (refreshToken === null) return token
      const { token: renewed } = await refreshTokens(runtime, definition, refreshToken)
      return { accessToken: renewed.accessToken, tokenType: renewed.tokenType, version: 1n }
    },
    refused: async () => {},
  }
}

/**
 * Whether another connection lives on the same consent: of the same account, at a provider with the same app. Accounts of two providers of
 * one vendor are the same when their labels, the addresses that people sign in with, are.
 */
async function isShared({ sql }: Runtime, definition: ProviderDefinition, row: RevocationRow): Promise<boolean> {
  const sameApp = providers.filter(({ auth }) => auth.env.clientId === definition.auth.env.clientId).map(({ id }) => id)
  const [found] = await sql<{ shared: boolean }[]>`
    select exists (
      select from public.integrations i
      join patchbay.secrets s on s.integration_id = i.id
      where i.provider = any (string_to_array(${sameApp.join(' ')}, ' '))
        and i.grant_type = 'authorization_code'
        and (i.provider = ${row.provider} and i.account_id = ${row.account_id}
          or i.provider <> ${row.provider} and lower(i.account_label) = lower(${row.account_label}::text)
          -- An account may hide its address, and then it may be this one.
          or i.provider <> ${row.provider} and i.user_id = ${row.user_id}::uuid
            and (strpos(i.account_label, '@') = 0 or strpos(${row.account_label}::text, '@') = 0))
    ) as shared`
  return found?.shared === true
}
