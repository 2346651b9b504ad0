import { decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { readConfig, type TokenKey } from '../../src/shared/config.ts'
import { decryptFor, encryptFor, secretOwner } from '../../src/shared/oauth/vault.ts'
import { completeEnv, tokenKey } from './support.ts'

const integrationId = '5b6c5f0e-8f0c-4d7a-9b1e-0a4c4f4f8a11'
const owner = secretOwner(integrationId, 'primary')

describe('the vault', () => {
  it('gives back what was encrypted', async () => {
    const keys = keysOf(tokenKey('k1'))
    const jwe = await encryptFor(owner, 'ya29.tökên', keys)
    expect(jwe).not.toContain('ya29')
    expect(decodeProtectedHeader(jwe)).toEqual({ alg: 'dir', enc: 'A256GCM', kid: 'k1', sub: owner })
    expect(await decryptFor(owner, jwe, keys)).toBe('ya29.tökên')
  })

  it('encrypts the same text differently each time', async () => {
    const keys = keysOf(tokenKey('k1'))
    expect(await encryptFor(owner, 'text', keys)).not.toBe(await encryptFor(owner, 'text', keys))
  })

  it.each([
    ['of another integration', '7c0e', 'primary'],
    ["that is another of the same integration's", integrationId, 'user'],
  ])('refuses a ciphertext %s', async (_what, id, name) => {
    const keys = keysOf(tokenKey('k1'))
    const jwe = await encryptFor(owner, 'text', keys)
    await expect(decryptFor(secretOwner(id, name), jwe, keys)).rejects.toMatchObject({ code: 'token_undecryptable' })
  })

  it('refuses a ciphertext whose header was rewritten for another integration', async () => {
    const other = secretOwner('7c0e', 'primary')
    const keys = keysOf(tokenKey('k1'))
    const [, ...rest] = (await encryptFor(owner, 'text', keys)).split('.')
    const header = Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid: 'k1', sub: other })).toString('base64url')
    await expect(decryptFor(other, [header, ...rest].join('.'), keys)).rejects.toMatchObject({
      code: 'token_undecryptable',
    })
  })

  it('refuses a verifier in place of a token', async () => {
    const keys = keysOf(tokenKey('k1'))
    const jwe = await encryptFor('state:5b6c5f0e', 'text', keys)
    await expect(decryptFor(secretOwner('5b6c5f0e', 'primary'), jwe, keys)).rejects.toMatchObject({ code: 'token_undecryptable' })
  })

  it.each([0, 2, 3, 4])('refuses a ciphertext with a changed part %i', async (part) => {
    const keys = keysOf(tokenKey('k1'))
    const parts = (await encryptFor(owner, 'a longer text', keys)).split('.')
    const bytes = Buffer.from(parts[part] ?? '', 'base64url')
    bytes.writeUInt8(bytes.readUInt8(1) ^ 1, 1)
    parts[part] = bytes.toString('base64url')
    await expect(decryptFor(owner, parts.join('.'), keys)).rejects.toMatchObject({ code: 'token_undecryptable' })
  })

  it.each(['', 'clear text', 'e30..aXY.Y2lwaGVy.dGFn'])('refuses %j', async (jwe) => {
    await expect(decryptFor(owner, jwe, keysOf(tokenKey('k1')))).rejects.toMatchObject({ code: 'token_undecryptable' })
  })

  it('reads with every key and writes with the first', async () => {
    const [old, current] = [tokenKey('2025'), tokenKey('2026')]
    const jwe = await encryptFor(owner, 'text', keysOf(old))
    expect(await decryptFor(owner, jwe, keysOf(`${current},${old}`))).toBe('text')
    expect(decodeProtectedHeader(await encryptFor(owner, 'text', keysOf(`${current},${old}`))).kid).toBe('2026')
  })

  it('names the key that is missing, as a mistake of the operator', async () => {
    const jwe = await encryptFor(owner, 'text', keysOf(tokenKey('2025')))
    await expect(decryptFor(owner, jwe, keysOf(tokenKey('2026')))).rejects.toMatchObject({
      code: 'token_undecryptable',
      outcome: 'config',
      message: expect.stringContaining('2025'),
    })
  })

  it('refuses another key of the same name', async () => {
    const jwe = await encryptFor(owner, 'text', keysOf(tokenKey('k1')))
    await expect(decryptFor(owner, jwe, keysOf(tokenKey('k1')))).rejects.toMatchObject({ code: 'token_undecryptable' })
  })
})

function keysOf(text: string): readonly [TokenKey, ...TokenKey[]] {
  return readConfig({ ...completeEnv(), CONNECTOR_TOKEN_KEYS: text }).tokenKeys
}
