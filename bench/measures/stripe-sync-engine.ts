import { createRequire } from 'node:module'
import type { StripeSync } from '@supabase/stripe-sync-engine'
import type { Sql } from 'postgres'
import { alternate } from '../support/alternate.ts'
import type { Measure } from '../support/bench.ts'
import type { BenchDatabase } from '../support/cluster.ts'
import { comparison } from '../support/figures.ts'
import { syncRate } from '../support/synced-drive.ts'

// Its ES module looks for the migrations by __dirname, which no ES module has.
const engine = createRequire(import.meta.url)('@supabase/stripe-sync-engine') as typeof import('@supabase/stripe-sync-engine')

type Customers = Parameters<StripeSync['upsertCustomers']>[0]

// As it hands them over itself when it lists objects from Stripe.
const batch = 250

/** Supabase's own engine for Stripe, writing objects that it has already; ours fetches them first. */
export const stripeSyncEngine: Measure = {
  name: 'stripe-sync-engine',
  async run(bench) {
    const synced = await bench.syncedDrive()
    const bytes = await synced.database.query(meanFileBytes)
    const objects = customers(bench.sizes.theirRows, bytes)

    await using database = await bench.cluster.createDatabase()
    const databaseUrl = database.url('supabase_admin')
    await engine.runMigrations({ databaseUrl, schema: 'stripe' })
    await using stripe = new engine.StripeSync({
      poolConfig: { connectionString: databaseUrl, max: 10 },
      stripeSecretKey: 'sk_test_unused',
      stripeWebhookSecret: 'whsec_unused',
    })
    // Its pool says that it has ended before its connections have, and a database that is dropped meanwhile cuts them off.
    stripe.postgresClient.pool.on('error', () => {})
    const rounds = await alternate(bench, 'A first sync against stripe-sync-engine', {
      ours: () => syncRate(synced),
      theirs: async () => {
        await database.query((sql) => sql`truncate stripe.customers`)
        return upsertRate(stripe, objects, database)
      },
    })
    const about =
      `end-to-end first sync of ${synced.rows.toLocaleString('en')} files, against upsertCustomers of @supabase/stripe-sync-engine: ` +
      `${objects.length.toLocaleString('en')} customers of ${bytes} bytes, as large as a file, already fetched`
    return [comparison({ measure: 'stripe-sync-engine', about, unit: 'rows/s', target: { atLeast: 5 } }, rounds)]
  },
}

async function upsertRate(stripe: StripeSync, objects: Customers, database: BenchDatabase): Promise<number> {
  const begun = performance.now()
  for (let start = 0; start < objects.length; start += batch) await stripe.upsertCustomers(objects.slice(start, start + batch))
  const seconds = (performance.now() - begun) / 1000
  const [row] = await database.query((sql) => sql<[{ count: number }]>`select count(*)::int from stripe.customers`)
  if (row.count !== objects.length) throw new Error(`stripe-sync-engine wrote ${row.count} rows of ${objects.length}.`)
  return objects.length / seconds
}

/** The size of a row as JSON. */
async function meanFileBytes(sql: Sql): Promise<number> {
  const [row] = await sql<[{ bytes: number }]>`
    select avg(octet_length(to_jsonb(f)::text))::int as bytes from (select * from public.files limit 10000) f`
  return row.bytes
}

function customers(count: number, bytes: number): Customers {
  return Array.from({ length: count }, (_, index) => {
    const customer = {
      id: `cus_${String(index).padStart(14, '0')}`,
      object: 'customer',
      address: null,
      balance: 0,
      created: 1_760_000_000 + index,
      currency: 'usd',
      default_source: null,
      delinquent: false,
      description: '',
      discount: null,
      email: `customer-${index}@example.com`,
      invoice_prefix: index.toString(36).toUpperCase().padStart(8, '0'),
      invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
      livemode: false,
      metadata: { order: String(index) },
      name: `Customer ${index}`,
      next_invoice_sequence: 1,
      phone: null,
      preferred_locales: [],
      shipping: null,
      tax_exempt: 'none',
    }
    customer.description = 'x'.repeat(Math.max(0, bytes - JSON.stringify(customer).length))
    return customer
  }) as unknown as Customers
}
