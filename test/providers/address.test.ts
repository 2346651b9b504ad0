import { describe, expect, it } from 'vitest'
import type { ProviderDefinition } from '../../src/shared/providers/define.ts'
import { fillAddress } from '../../src/shared/providers/address.ts'
import { testProvider } from '../oauth/support.ts'

const definition: ProviderDefinition = {
  ...testProvider,
  variables: {
    TEST_TENANT: { default: 'common', pattern: /^[\w-]+$/ },
    TEST_ENVIRONMENT: {
      default: 'production',
      choices: {
        production: { login: 'login.provider.test', api: 'api.provider.test' },
        sandbox: { login: 'login-sandbox.provider.test', api: 'sandbox.provider.test' },
      },
    },
  },
}

function fill(address: string, env: Record<string, string>, of = definition): string {
  return fillAddress(of, address, { optional: (name) => env[name] })
}

describe('an address', () => {
  it.each<[string, Record<string, string>, string]>([
    ['https://provider.test/token', {}, 'https://provider.test/token'],
    ['https://provider.test/{TEST_TENANT}/token', {}, 'https://provider.test/common/token'],
    ['https://provider.test/{TEST_TENANT}/token', { TEST_TENANT: '4711-a' }, 'https://provider.test/4711-a/token'],
    ['https://{login}/{TEST_TENANT}', {}, 'https://login.provider.test/common'],
    ['https://{api}/v1', { TEST_ENVIRONMENT: 'sandbox' }, 'https://sandbox.provider.test/v1'],
    // Of no concern to an address without variables.
    ['https://provider.test/token', { TEST_ENVIRONMENT: 'nowhere' }, 'https://provider.test/token'],
  ])('%s with %j is %s', (address, env, url) => {
    expect(fill(address, env)).toBe(url)
  })

  it.each([
    ['TEST_TENANT', 'evil.test/'],
    ['TEST_TENANT', 'common@evil.test'],
    ['TEST_ENVIRONMENT', 'nowhere'],
    ['TEST_ENVIRONMENT', 'constructor'],
  ])('is not made with %s=%s, and the error names the variable and not its value', (field, value) => {
    const wrong = expect.objectContaining({
      code: 'config_invalid',
      context: { field },
      message: expect.not.stringContaining(value),
    })
    expect(() => fill('https://{api}/{TEST_TENANT}', { [field]: value })).toThrow(wrong)
  })

  it('of a provider without variables is what it says', () => {
    expect(fill(testProvider.auth.tokenUrl, {}, testProvider)).toBe(testProvider.auth.tokenUrl)
  })
})
