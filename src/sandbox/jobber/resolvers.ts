import { GraphQLError } from 'graphql'
import { encodedId, type Business, type Client } from './businesses.ts'

/** Who asks, and for how much. */
interface Asker {
  business: Business
  appName: string
  itemLimit: number | undefined
  /** Ends every connection of the business to the app. */
  disconnect(): void
}

interface PageArguments {
  first?: number | null
  after?: string | null
}

/** The fields of `Query` and `Mutation`; `returned.items` counts the nodes of connections. */
export function resolvers({ business, appName, itemLimit, disconnect }: Asker) {
  const returned = { items: 0 }
  const root = {
    account: () => ({
      countryCode: 'CA',
      createdAt: '2019-04-11T16:20:00Z',
      id: encodedId('Account', business.number),
      name: business.name,
    }),
    client: ({ id }: { id: string }): Client | null => business.clients.find((client) => client.id === id) ?? null,
    clients: (page: PageArguments) => {
      const connection = connectionOf(business.clients, page, itemLimit)
      returned.items += connection.nodes.length
      return connection
    },
    appDisconnect: () => {
      disconnect()
      return { app: { name: appName, author: 'Patchbay' }, userErrors: [] }
    },
  }
  return { root, returned }
}

/** A page of `all`. Cursors are the number of items up to there. */
function connectionOf<T>(all: readonly T[], { first, after }: PageArguments, itemLimit: number | undefined) {
  const offset = after === null || after === undefined ? 0 : cursorOffset(after)
  const nodes = all.slice(offset, offset + Math.min(first ?? 100, itemLimit ?? Infinity))
  const end = offset + nodes.length
  // Another text for the same place: one cursor twice would look like a circle.
  const endCursor = nodes.length === 0 && itemLimit === 0 ? cursor(`0${offset}`) : cursor(String(end))
  return {
    nodes,
    edges: nodes.map((node, index) => ({ node, cursor: cursor(String(offset + index + 1)) })),
    pageInfo: {
      hasNextPage: end < all.length,
      hasPreviousPage: offset > 0,
      startCursor: nodes.length === 0 ? null : cursor(String(offset + 1)),
      endCursor: nodes.length === 0 && itemLimit !== 0 ? null : endCursor,
    },
    totalCount: all.length,
  }
}

function cursor(position: string): string {
  return Buffer.from(position).toString('base64url')
}

function cursorOffset(after: string): number {
  const position = Buffer.from(after, 'base64url').toString()
  if (!/^\d+$/.test(position)) throw new GraphQLError(`Invalid cursor: ${after}`)
  return Number(position)
}
