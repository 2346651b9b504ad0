import { exportJWK, generateKeyPair, generateSecret, importJWK, type CryptoKey, type JSONWebKeySet, type JWK } from 'jose'
import type { TokenStore } from './token-store.ts'

export type SigningAlgorithm = 'RS256' | 'ES256' | 'ES512' | 'HS256'

interface SigningKey {
  /** Private, or the shared secret. */
  key: CryptoKey | Uint8Array
  jwk: JWK
}

/** The keys that sign access tokens, one an algorithm. Made when first needed, as RSA takes a while, and kept with the tokens. */
export class SigningKeys {
  readonly #store: TokenStore
  readonly #keys = new Map<SigningAlgorithm, Promise<SigningKey>>()

  constructor(store: TokenStore) {
    this.#store = store
  }

  get(algorithm: SigningAlgorithm): Promise<SigningKey> {
    const known = this.#keys.get(algorithm) ?? this.#open(algorithm)
    this.#keys.set(algorithm, known)
    return known
  }

  /** Without private parts; a shared secret has no public one. */
  async publicKeys(algorithms: readonly SigningAlgorithm[]): Promise<JSONWebKeySet> {
    const pairs = algorithms.filter((algorithm) => algorithm !== 'HS256')
    const keys = await Promise.all(pairs.map((algorithm) => this.get(algorithm)))
    return { keys: keys.map(({ jwk }) => withoutPrivateParts(jwk)) }
  }

  async #open(algorithm: SigningAlgorithm): Promise<SigningKey> {
    const jwk = this.#store.key(algorithm) ?? (await newKey(algorithm))
    this.#store.keepKey(algorithm, jwk)
    return { key: await importJWK(jwk, algorithm), jwk }
  }
}

async function newKey(algorithm: SigningAlgorithm): Promise<JWK> {
  const key =
    algorithm === 'HS256'
      ? await generateSecret(algorithm, { extractable: true })
      : (await generateKeyPair(algorithm, { extractable: true })).privateKey
  return { ...(await exportJWK(key)), alg: algorithm, kid: `sandbox-${algorithm.toLowerCase()}`, use: 'sig' }
}

function withoutPrivateParts({ kty, alg, kid, use, n, e, crv, x, y }: JWK): JWK {
  const parts = Object.entries({ kty, alg, kid, use, n, e, crv, x, y }).filter(([, value]) => value !== undefined)
  return Object.fromEntries(parts)
}
