import { expect, it } from 'vitest'
import { z } from 'zod'
import { createProviderApi } from '../../src/shared/http/provider-api.ts'
import { createLogger } from '../../src/shared/log.ts'
import type { ProviderDefinition } from '../../src/shared/providers/define.ts'
import { listItems } from '../../src/shared/providers/lists.ts'
import { json, startServer } from '../http/test-server.ts'
import { testProvider } from '../oauth/support.ts'

const Page = z.object({ names: z.array(z.string()), next: z.string().nullable() })

const definition: ProviderDefinition = {
  ...testProvider,
  lists: {
    things: {
      request: (cursor) => ({ path: '/things', query: { cursor: cursor ?? undefined } }),
      read: (body) => {
        const { names, next } = Page.parse(body)
        return { items: names.map((name) => ({ id: name, label: name.toUpperCase() })), next }
      },
    },
  },
}

/** The list, from a server that gives these pages; the last one stays. */
async function list(name: string, ...pages: [unknown, ...unknown[]]) {
  const [first, ...rest] = pages.map((page) => json(page))
  await using server = await startServer(first!, ...rest)
  const token = { accessToken: 'access-1', tokenType: 'Bearer', version: 1n }
  const api = createProviderApi({
    definition,
    tokens: { get: async () => token, renew: async () => token, refused: async () => {} },
    runtime: {
      config: { sandboxUrl: server.url, optional: () => undefined },
      fetch,
      now: Date.now,
      sleep: async () => {},
      log: createLogger('error', () => {}, Date.now),
    },
  })
  const result = await listItems(api, definition, name).then(
    (items) => items.map((item) => item.id),
    (error: unknown) => error,
  )
  return { result, urls: server.requests.map((request) => request.url) }
}

it('reads page after page, also past an empty one', async () => {
  const { result, urls } = await list(
    'things',
    { names: ['a', 'b'], next: '2' },
    { names: [], next: '3' },
    { names: ['c'], next: null },
  )
  expect(result).toEqual(['a', 'b', 'c'])
  const path = '/provider.test/things'
  expect(urls).toEqual([path, `${path}?cursor=2`, `${path}?cursor=3`])
})

it.each(['nothing', 'toString'])('names the lists that there are when asked for %j, without a request', async (name) => {
  const { result, urls } = await list(name, {})
  expect(result).toMatchObject({ code: 'not_found', hint: expect.stringContaining('things') })
  expect(urls).toEqual([])
})

it.each([
  ['cannot be read', { names: 'secret' }],
  ['never ends', { names: [], next: 'more' }],
])('gives up on a listing that %s', async (_what, page) => {
  const { result, urls } = await list('things', page)
  expect(result).toMatchObject({ code: 'provider_answer_invalid', context: { provider: 'test-provider' } })
  expect(urls.length).toBeLessThanOrEqual(50)
})
