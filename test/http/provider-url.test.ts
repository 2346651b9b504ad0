import { expect, it } from 'vitest'
import { providerUrl } from '../../src/shared/http/provider-url.ts'

it('leaves a URL as it is without a sandbox', () => {
  expect(providerUrl('https://www.googleapis.com/drive/v3/about?fields=user')).toBe(
    'https://www.googleapis.com/drive/v3/about?fields=user',
  )
})

it('makes the host the first path segment of the sandbox', () => {
  expect(providerUrl('https://www.googleapis.com/drive/v3/about?fields=user(id)&a=b%20c', 'http://127.0.0.1:54400')).toBe(
    'http://127.0.0.1:54400/www.googleapis.com/drive/v3/about?fields=user(id)&a=b%20c',
  )
})
