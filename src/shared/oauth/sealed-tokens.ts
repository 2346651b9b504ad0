import type { Config } from '../config.ts'
import type { SealedTokens } from './secret-store.ts'
import type { TokenSet } from './token-request.ts'
import { encryptFor } from './vault.ts'

/** The tokens as they are stored: encrypted for one integration, with the key that writes now. */
export async function sealTokens(config: Config, integrationId: string, tokens: TokenSet): Promise<SealedTokens> {
  const { tokenKeys } = config
  const seal = (text: string): Promise<string> => encryptFor(`integration:${integrationId}`, text, tokenKeys)
  return {
    accessTokenJwe: await seal(tokens.accessToken),
    refreshTokenJwe: tokens.refreshToken === null ? null : await seal(tokens.refreshToken),
    tokenType: tokens.tokenType,
    scope: tokens.scopes?.join(' ') ?? null,
    expiresAt: tokens.expiresAt,
    refreshDueAt: tokens.refreshDueAt,
  }
}
