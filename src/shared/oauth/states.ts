import type { Sql } from 'postgres'
import { PatchbayError } from '../errors.ts'
import { splitScope } from './scope.ts'

/** A start URL is opened at once or not at all. */
export const ticketSeconds = 120

/** How long a user may take at the provider. */
const transactionMinutes = 10

/** A connection being made: who asked for what, and where the answer goes. */
export interface Transaction {
  stage: 'server' | 'client'
  userId: string
  provider: string
  /** SHA-256 of the cookie of the browser that began it; null in the client-driven form. */
  browserHash: Uint8Array | null
  /** The PKCE verifier, encrypted for this state; null where the provider takes none. */
  codeVerifierJwe: string | null
  redirectUri: string
  redirectTo: string
  scopes: string[]
  /** Set when this integration is to be connected again: another account is refused. */
  integrationId: string | null
}

export interface NewTransaction {
  userId: string
  provider: string
  redirectUri: string
  redirectTo: string
  scopes: readonly string[]
  integrationId: string | null
}

/** What is added when the user leaves for the provider. */
export interface Departure {
  stateHash: Uint8Array
  browserHash: Uint8Array | null
  codeVerifierJwe: string | null
}

/** Stores a server-driven transaction that waits for its start URL to be opened. */
export async function putTicket(sql: Sql, ticketHash: Uint8Array, transaction: NewTransaction): Promise<void> {
  await deleteExpired(sql)
  const { userId, provider, redirectUri, redirectTo, scopes, integrationId } = transaction
  await sql`
    insert into patchbay.oauth_states
      (state_hash, stage, user_id, provider, redirect_uri, redirect_to, scopes, integration_id, expires_at)
    values (${ticketHash}, 'ticket', ${userId}::uuid, ${provider}, ${redirectUri}, ${redirectTo},
      string_to_array(${scopes.join(' ')}, ' '), ${integrationId}::uuid, now() + ${ticketSeconds} * interval '1 second')`
}

/** Uses up a ticket and begins its transaction, in one statement. Undefined: no such ticket for this provider, or not any more. */
export async function openTicket(
  sql: Sql,
  ticketHash: Uint8Array,
  provider: string,
  { stateHash, browserHash, codeVerifierJwe }: Departure,
): Promise<Pick<Transaction, 'redirectUri' | 'scopes'> | undefined> {
  const [row] = await sql<{ redirect_uri: string; scope: string }[]>`
    with ticket as (
      delete from patchbay.oauth_states where state_hash = ${ticketHash} and stage = 'ticket' returning *
    )
    insert into patchbay.oauth_states
      (state_hash, stage, user_id, provider, browser_hash, code_verifier_jwe, redirect_uri, redirect_to, scopes, integration_id,
        expires_at)
    select ${stateHash}, 'server', user_id, provider, ${browserHash}, ${codeVerifierJwe}, redirect_uri, redirect_to, scopes,
      integration_id, now() + ${transactionMinutes} * interval '1 minute'
    from ticket
    where provider = ${provider} and expires_at > now()
    returning redirect_uri, array_to_string(scopes, ' ') as scope`
  return row && { redirectUri: row.redirect_uri, scopes: splitScope(row.scope) }
}

/** Begins a client-driven transaction. */
export async function putTransaction(
  sql: Sql,
  transaction: NewTransaction,
  { stateHash, codeVerifierJwe }: Omit<Departure, 'browserHash'>,
): Promise<void> {
  await deleteExpired(sql)
  const { userId, provider, redirectUri, redirectTo, scopes, integrationId } = transaction
  await sql`
    insert into patchbay.oauth_states
      (state_hash, stage, user_id, provider, code_verifier_jwe, redirect_uri, redirect_to, scopes, integration_id, expires_at)
    values (${stateHash}, 'client', ${userId}::uuid, ${provider}, ${codeVerifierJwe}, ${redirectUri}, ${redirectTo},
      string_to_array(${scopes.join(' ')}, ' '), ${integrationId}::uuid, now() + ${transactionMinutes} * interval '1 minute')`
}

/** Takes a transaction out: whatever comes of it, its state is used up. Undefined: no such state, or it has expired. */
export async function takeTransaction(sql: Sql, stateHash: Uint8Array): Promise<Transaction | undefined> {
  const [row] = await sql<TransactionRow[]>`
    delete from patchbay.oauth_states
    where state_hash = ${stateHash} and stage <> 'ticket'
    returning stage, user_id, provider, browser_hash, code_verifier_jwe, redirect_uri, redirect_to,
      array_to_string(scopes, ' ') as scope, integration_id, expires_at > now() as alive`
  if (!row?.alive) return undefined
  return {
    stage: row.stage,
    userId: row.user_id,
    provider: row.provider,
    browserHash: row.browser_hash,
    codeVerifierJwe: row.code_verifier_jwe,
    redirectUri: row.redirect_uri,
    redirectTo: row.redirect_to,
    scopes: splitScope(row.scope),
    integrationId: row.integration_id,
  }
}

/** For a state or ticket that is used up, too old, or not ours: which of them is nobody's business. */
export function unknownState(): PatchbayError {
  return new PatchbayError('state_invalid', 'This connection was completed already, is too old, or was never begun.', {
    hint: 'Connect again.',
  })
}

interface TransactionRow {
  stage: 'server' | 'client'
  user_id: string
  provider: string
  browser_hash: Uint8Array | null
  code_verifier_jwe: string | null
  redirect_uri: string
  redirect_to: string
  scope: string
  integration_id: string | null
  alive: boolean
}

/** Every new transaction sweeps up more than itself, so that abandoned ones do not pile up. */
async function deleteExpired(sql: Sql): Promise<void> {
  await sql`
    delete from patchbay.oauth_states
    where state_hash in (
      select state_hash from patchbay.oauth_states where expires_at < now() limit 10 for update skip locked
    )`
}
