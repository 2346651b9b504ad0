/** Gives the access token of one integration to the HTTP layer. */
export interface TokenSource {
  /** An access token that is valid now, refreshed first if need be. Throws `needs_reauth`, `not_connected`, `refresh_failed`. */
  get: () => Promise<AccessToken>
  /**
   * Called after a 401: the token of a newer version, refreshed unless somebody else did since `version`. `reason`: what the owner is told
   * where there is nothing to refresh it with.
   */
  renew: (version: bigint, reason: string) => Promise<AccessToken>
  /** Called when a token of `version`, just renewed, is refused as well: only the account's owner can mend that. */
  refused: (version: bigint, reason: string) => Promise<void>
}

export interface AccessToken {
  accessToken: string
  tokenType: string
  /** `patchbay.secrets.version` that it was read at. */
  version: bigint
}
