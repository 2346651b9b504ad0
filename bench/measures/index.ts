import type { Measure } from '../support/bench.ts'
import { firstSync } from './first-sync.ts'
import { memory } from './memory.ts'
import { quiet } from './quiet.ts'
import { rlsPage } from './rls-page.ts'
import { stripeSyncEngine } from './stripe-sync-engine.ts'
import { supabaseJsUpserts } from './supabase-js-upserts.ts'
import { unchangedListing } from './unchanged-listing.ts'

/** All measures, in the order in which they run. */
export const measures: readonly Measure[] = [
  firstSync,
  unchangedListing,
  quiet,
  supabaseJsUpserts,
  stripeSyncEngine,
  memory,
  rlsPage,
]
