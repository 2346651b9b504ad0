import type { Measure } from '../support/bench.ts'
import { dispatcherTick } from './dispatcher-tick.ts'
import { firstSync, projectFirstSync } from './first-sync.ts'
import { jobRate } from './job-rate.ts'
import { memory } from './memory.ts'
import { quiet } from './quiet.ts'
import { rlsPage } from './rls-page.ts'
import { sharedLimit } from './shared-limit.ts'
import { stripeSyncEngine } from './stripe-sync-engine.ts'
import { supabaseJsUpserts } from './supabase-js-upserts.ts'
import { projectUnchangedListing, unchangedListing } from './unchanged-listing.ts'

/** All measures, in the order in which they run. */
export const measures: readonly Measure[] = [
  firstSync,
  unchangedListing,
  projectFirstSync,
  projectUnchangedListing,
  quiet,
  supabaseJsUpserts,
  stripeSyncEngine,
  memory,
  rlsPage,
  dispatcherTick,
  jobRate,
  sharedLimit,
]
