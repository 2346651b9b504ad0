import { expect, it } from 'vitest'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { startSandbox } from '../../src/sandbox/server.ts'
import { until } from '../support/until.ts'

it('answers what is more than a host allows with the provider’s own 429, over a sliding window', async () => {
  await using sandbox = await startSandbox()
  const client = sandboxClient(sandbox.url)
  const ask = async (host: string) => (await fetch(`${sandbox.url}/${host}/drive/v3/about`)).status
  await client.limit({ host: 'www.googleapis.com', requests: 2, perMs: 60_000 })
  expect([await ask('www.googleapis.com'), await ask('www.googleapis.com')]).toEqual([401, 401])

  const refused = await fetch(`${sandbox.url}/www.googleapis.com/drive/v3/about`)
  expect(refused.status).toBe(429)
  expect(await refused.json()).toMatchObject({ error: { code: 429, errors: [{ reason: 'rateLimitExceeded' }] } })
  // Another host has no limit.
  expect(await ask('developer.api.autodesk.com')).not.toBe(429)

  await client.limit({ host: 'www.googleapis.com', requests: 1, perMs: 300 })
  expect(await ask('www.googleapis.com')).toBe(401)
  // What is refused does not count: asking again and again does not keep it closed.
  await until(async () => (await ask('www.googleapis.com')) === 401)
  await client.clearLimits()
  expect([await ask('www.googleapis.com'), await ask('www.googleapis.com')]).toEqual([401, 401])
})

it('refuses a limit that is none', async () => {
  await using sandbox = await startSandbox()
  await expect(sandboxClient(sandbox.url).limit({ host: 'www.googleapis.com', requests: 0, perMs: 1 })).rejects.toThrow(
    'requests',
  )
})
