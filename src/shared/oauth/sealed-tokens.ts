import type { Config } from '../config.ts'
import type { SealedTokens, SecretId } from './secret-store.ts'
import type { TokenSet } from './token-request.ts'
import { encryptFor, secretOwner } from './vault.ts'

/** The tokens as they are stored: encrypted for one secret of one integration, with the key that writes now. */
export async function sealTokens(config: Config, { integrationId, name }: SecretId, tokens: TokenSet): Promise<SealedTokens> {
  const { tokenKeys } = config
  const seal = (text: string): Promise<string> => encryptFor(secretOwner(integrationId, name), text, tokenKeys)
  return {
    accessTokenJwe: await seal(tokens.accessToken),
    refreshTokenJwe: tokens.refreshToken === null ? null : await seal(tokens.refreshToken),
    tokenType: tokens.tokenType,
    scope: tokens.scopes?.join(' ') ?? null,
    expiresAt: tokens.expiresAt,
    refreshDueAt: tokens.refreshDueAt,
  }
}
