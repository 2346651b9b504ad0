import postgres, { type Sql } from 'postgres'

/** Waiting for a statement to reach the server: settled by the notice that the statement raises first. */
const receipts = new Map<string, () => void>()

/**
 * Opens a pool that works through a transaction pooler: no prepared statements, no session state.
 * `connections` is the pool's size.
 */
export function connect(url: string, connections: number): Sql {
  return postgres(url, {
    max: connections,
    ssl: needsTls(url) ? 'require' : false,
    prepare: false,
    // Array types would be looked up once a connection, in a race with the first query; no query here needs them.
    fetch_types: false,
    idle_timeout: 20,
    connect_timeout: 10,
    connection: { application_name: 'patchbay' },
    types: { bigint: postgres.BigInt },
    onnotice: ({ message }) => {
      if (message?.startsWith('patchbay page ')) receipts.get(message.slice('patchbay page '.length))?.()
    },
  })
}

/** Rows and ciphertext do not cross a network in clear, unless the URL says so itself (`sslmode=disable`). */
function needsTls(url: string): boolean {
  const { hostname, searchParams } = new URL(url)
  const mode = searchParams.get('sslmode') ?? searchParams.get('ssl')
  if (mode !== null) return mode !== 'disable' && mode !== 'false'
  return !['127.0.0.1', 'localhost', '[::1]'].includes(hostname)
}

/** Resolves when the server says that it is executing the statement with this receipt id. Call `forget` afterwards. */
export function expectReceipt(id: string): { received: Promise<void>; forget: () => void } {
  const received = new Promise<void>((resolve) => receipts.set(id, resolve))
  return { received, forget: () => receipts.delete(id) }
}
