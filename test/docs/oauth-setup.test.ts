import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { providers } from '../../src/shared/providers/registry.ts'
import { root } from './documents.ts'

const text = readFileSync(join(root, 'docs/OAUTH_SETUP.md'), 'utf8')

describe('docs/OAUTH_SETUP.md', () => {
  it.each(providers)('$id: names its page, its scopes and its variables, as the definition has them', ({ id, auth, ...rest }) => {
    const row = text.split('\n').find((line) => line.startsWith(`| [\`${id}\`](providers/${id}.md) |`)) ?? ''
    const variables = Object.keys(rest.variables ?? {}).filter((name) => !name.endsWith('_URL'))
    const named = [...auth.scopes, auth.env.clientId, auth.env.clientSecret, ...variables]

    expect(
      named.filter((name) => !row.includes(`\`${name}\``)),
      row,
    ).toEqual([])
  })

  it('names no scope that nobody asks for', () => {
    const scopes = [...text.matchAll(/`((?:[a-z-]+:[a-z.]+)|https:\/\/www\.googleapis\.com[^`]+)`/g)].map(([, scope]) => scope)
    const asked = new Set(providers.flatMap(({ auth }) => auth.scopes))
    const commands = ['connect:app', 'tokens:rotate']
    expect(scopes.filter((scope) => scope !== undefined && !asked.has(scope) && !commands.includes(scope))).toEqual([])
  })

  it('says how the operator connects without a consent, where that is possible', () => {
    const ways = providers.flatMap(({ id, auth }) => [
      ...(auth.serviceAccount ? [auth.serviceAccount.env, 'npm run connect:service-account -- --user'] : []),
      ...(auth.clientCredentials ? [`npm run connect:app -- --provider ${id} --user`] : []),
    ])
    expect(ways.filter((way) => !text.includes(way))).toEqual([])
    expect(ways).toHaveLength(3)
  })
})
