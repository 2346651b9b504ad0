import type { Sql } from 'postgres'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import { PatchbayError } from '../errors.ts'
import { asPatchbayError } from '../failure.ts'
import type { User } from '../oauth/authenticate.ts'
import { clientAddress } from '../oauth/origin.ts'
import { sha256 } from '../oauth/random.ts'
import type { Runtime } from '../runtime.ts'

const windowSeconds = 60

/** A settings page asks about each provider when it opens, and polls one of them while its owner is away to consent. */
const pointsOfUser = 120

/** An office of dozens is behind one address; nothing that these routes protect becomes guessable at this pace. */
const pointsOfAddress = 600

/** What a request costs that makes one of the provider's: a user may ask for 30 a minute, lest one spends the quota of all. */
export const providerRequestPoints = 4

interface Limits {
  user: RateLimiterPostgres
  address: RateLimiterPostgres
}
const limitsByRuntime = new WeakMap<Runtime, Limits>()

/**
 * Counts a request of the address it comes from. Throws `rate_limited` and `database_unavailable`. An address that nobody vouches for is
 * not counted: all callers would share it.
 */
export async function limitAddress(runtime: Runtime, request: Request): Promise<void> {
  const address = clientAddress(request)
  if (address !== undefined) await consume(limitsOf(runtime).address, await addressKey(address), 1)
}

/** Counts a request of a signed-in user. Throws `rate_limited` and `database_unavailable`. */
export async function limitUser(runtime: Runtime, user: User, points = 1): Promise<void> {
  await consume(limitsOf(runtime).user, user.id, points)
}

async function consume(limiter: RateLimiterPostgres, key: string, points: number): Promise<void> {
  try {
    await limiter.consume(key, points)
  } catch (error) {
    // A database that is away is not asked again by the handler: the driver's pauses would add up.
    throw error instanceof RateLimiterRes ? tooMany(error.msBeforeNext) : asPatchbayError(error)
  }
}

function tooMany(retryAfterMs: number): PatchbayError {
  const seconds = Math.ceil(retryAfterMs / 1000)
  return new PatchbayError('rate_limited', 'Too many requests.', { hint: `Try again in ${seconds} s.`, retryAfterMs })
}

/** A hash, because who came from where is nobody's business here. IPv6: of the network, as one caller has all addresses of a /64. */
async function addressKey(address: string): Promise<string> {
  const network = address.includes('.') ? address : ipv6Network(address)
  return Array.from(await sha256(network), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** The first four groups of an IPv6 address, written out. */
function ipv6Network(address: string): string {
  const [head = '', tail] = address.toLowerCase().split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after]
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')
}

function limitsOf(runtime: Runtime): Limits {
  const limits = limitsByRuntime.get(runtime) ?? {
    user: createLimiter(runtime.sql, 'user', pointsOfUser),
    address: createLimiter(runtime.sql, 'address', pointsOfAddress),
  }
  limitsByRuntime.set(runtime, limits)
  return limits
}

/** One upsert a request. The table is a migration's, and swept by `patchbay.sweep()`. */
function createLimiter(sql: Sql, keyPrefix: string, points: number): RateLimiterPostgres {
  return new RateLimiterPostgres({
    storeClient: storeClient(sql),
    storeType: 'client',
    schemaName: 'patchbay',
    tableName: 'rate_limits',
    tableCreated: true,
    clearExpiredByTimeout: false,
    keyPrefix,
    points,
    duration: windowSeconds,
    // Who is refused costs the database nothing more, in this process.
    inMemoryBlockOnConsumed: points,
  })
}

/** postgres.js in the form of `pg`, as far as the limiter needs it: it calculates with `expire`, which our driver reads as a BigInt. */
function storeClient(sql: Sql) {
  return {
    query: async ({ text, values }: { text: string; values: (string | number)[] }) => {
      const rows = await sql.unsafe<{ points: number; expire: bigint | number | string }[]>(text, values)
      return { rows: rows.map(({ points, expire }) => ({ points, expire: Number(expire) })) }
    },
  }
}
