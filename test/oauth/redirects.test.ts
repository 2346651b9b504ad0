import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/shared/config.ts'
import { allowedRedirect, clientRedirectUri, isFromApp, resultUrl, serverUrls } from '../../src/shared/oauth/redirects.ts'
import { completeEnv, testProvider } from './support.ts'

const urls = 'https://app.example,https://tools.example/integrations,http://localhost:3000/done/'
const config = readConfig({ ...completeEnv(), CONNECTOR_REDIRECT_URLS: urls })

describe('allowedRedirect', () => {
  it.each([
    'https://app.example',
    'https://app.example/settings?tab=2&next=%2Fhome#drive',
    'https://APP.example:443/settings',
    'https://tools.example/integrations',
    'https://tools.example/integrations/drive',
    'http://localhost:3000/done/ok',
  ])('lets users return to %s', (target) => {
    expect(allowedRedirect(config, target)).toBe(new URL(target).href)
  })

  it.each([
    'https://app.example.evil.com',
    'https://app.example.evil.com/',
    'https://app.example@evil.com/',
    'https://app.example:pw@evil.com',
    'https://@app.example/',
    'https://user@app.example/',
    'https://app.example\\@evil.com',
    'https:\\\\evil.com',
    'https://evil.com/https://app.example',
    'https://evil.com?https://app.example',
    'https://evil.com#https://app.example',
    '//app.example/',
    '/settings',
    'http://app.example',
    'https://app.example:8443/',
    'https://xn--app-example.com',
    'https://sub.app.example/',
    'https://app.examplE.evil.com/',
    'https://tools.example/',
    'https://tools.example/integrations-evil',
    'https://tools.example/integrations/../admin',
    'https://tools.example/integrations/%2e%2e/admin',
    'https://tools.example/integrations/..%2fadmin',
    'https://tools.example/integrations%5C..%5Cadmin',
    'http://localhost:3001/done/',
    'http://127.0.0.1:3000/done/',
    'http://localhost:3000/done',
    'javascript:alert(1)//https://app.example',
    'data:text/html,https://app.example',
    'https://app.example/\nset-cookie: a=b',
    ' https://app.example/',
    'https://app.example\t.evil.com/',
    'https:app.example.evil.com',
    '',
  ])('does not send users to %j', (target) => {
    expect(() => allowedRedirect(config, target)).toThrow(expect.objectContaining({ code: 'redirect_not_allowed' }))
  })
})

describe('isFromApp', () => {
  const from = (headers: Record<string, string>) => isFromApp(config, new Request('https://x.example/', { headers }))

  it('is true for a page of a listed origin', () => {
    expect(from({ referer: 'https://app.example/' })).toBe(true)
    expect(from({ referer: 'https://tools.example/anything' })).toBe(true)
  })

  it('is false for any other page, and without a referrer', () => {
    expect(from({})).toBe(false)
    for (const referer of [
      '',
      'null',
      'app.example',
      'https://app.example.evil.com/',
      'http://app.example/',
      'https://evil.com/https://app.example/',
    ]) {
      expect(from({ referer }), referer).toBe(false)
    }
  })
})

describe('the addresses of a provider', () => {
  const withRedirectUri = (uri: string) => readConfig({ ...completeEnv(), TEST_REDIRECT_URI: uri })

  it('are beside each other on the functions host', () => {
    expect(serverUrls(config, testProvider)).toEqual({
      start: 'https://abcd.supabase.co/functions/v1/oauth-start/test-provider',
      callback: 'https://abcd.supabase.co/functions/v1/oauth-callback/test-provider',
    })
  })

  it('move to a custom domain together, because the cookie stays on one host', () => {
    const custom = withRedirectUri('https://api.example/functions/v1/oauth-callback/another-of-the-same-app')
    expect(serverUrls(custom, testProvider)).toEqual({
      start: 'https://api.example/functions/v1/oauth-start/test-provider',
      callback: 'https://api.example/functions/v1/oauth-callback/test-provider',
    })
  })

  it('leave the page of the app to the client-driven form', () => {
    const page = 'http://localhost:8000/api/v1/integrations/google/callback'
    expect(clientRedirectUri(withRedirectUri(page), testProvider, undefined)).toBe(page)
    expect(serverUrls(withRedirectUri(page), testProvider).callback).toBe(
      'https://abcd.supabase.co/functions/v1/oauth-callback/test-provider',
    )
    expect(clientRedirectUri(config, testProvider, 'https://app.example/callback')).toBe('https://app.example/callback')
  })

  it('are refused when the client-driven form would end at our own callback, or anywhere else', () => {
    const own = withRedirectUri('https://api.example/functions/v1/oauth-callback/test-provider')
    expect(() => clientRedirectUri(own, testProvider, undefined)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
    expect(() => clientRedirectUri(config, testProvider, 'https://evil.com/callback')).toThrow(
      expect.objectContaining({ code: 'redirect_not_allowed' }),
    )
  })
})

describe('resultUrl', () => {
  it('adds how it went, in place of an earlier result', () => {
    expect(resultUrl('https://app.example/a?b=1#c', 'google-drive', 'connected')).toBe(
      'https://app.example/a?b=1&google-drive_connected=true#c',
    )
    expect(resultUrl('https://app.example/?google-drive_connected=true', 'google-drive', 'access_denied')).toBe(
      'https://app.example/?google-drive_error=access_denied',
    )
  })
})
