import { expect, it } from 'vitest'
import { clientAddress } from '../../src/shared/oauth/origin.ts'

it.each([
  [{ 'cf-connecting-ip': '203.0.113.7' }, '203.0.113.7'],
  [{ 'cf-connecting-ip': '2001:db8::1', 'x-forwarded-for': '198.51.100.1' }, '2001:db8::1'],
  // The last is what the nearest proxy saw; those before are claims.
  [{ 'x-forwarded-for': '198.51.100.1, 203.0.113.7' }, '203.0.113.7'],
  [{ 'x-forwarded-for': '203.0.113.7:4711' }, '203.0.113.7'],
  [{ 'x-forwarded-for': '[2001:db8::1]:4711' }, '2001:db8::1'],
  [{ 'x-forwarded-for': 'ab' }, undefined],
  [{ 'x-forwarded-for': '1.2.3' }, undefined],
  [{ 'x-forwarded-for': "1.2.3.4'; drop table" }, undefined],
  [{}, undefined],
])('the address of a caller with the headers %j is %s', (headers, address) => {
  expect(clientAddress(new Request('https://x.example/', { headers }))).toBe(address)
})
