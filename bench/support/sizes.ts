/** How much is measured. */
export interface Sizes {
  /** How often each of two things is measured, alternating. */
  rounds: number
  /** Files of the synced account, at least. */
  files: number
  /** Rows and objects that others write: they are slow, and a small table does not make them slower. */
  theirRows: number
  /** Files of the two accounts whose syncs' memory is compared, at least. */
  memory: { small: number; large: number }
  /** Rows of `public.files`, their owners, and how many pages are read. */
  pages: { rows: number; users: number; reads: number }
  /** Endpoints of the two projects whose ticks are compared, and how many of them are due. */
  tick: { small: number; large: number; due: number }
  /** Endpoints that workers sync, each with nothing new. */
  jobs: number
  /** Requests of the syncs that share a provider's limit, at least. */
  limited: number
}

/** What the targets are about. */
export const fullSizes: Sizes = {
  rounds: 5,
  files: 100_000,
  theirRows: 20_000,
  memory: { small: 20_000, large: 200_000 },
  pages: { rows: 1_000_000, users: 1000, reads: 2000 },
  tick: { small: 1000, large: 100_000, due: 100 },
  jobs: 1000,
  limited: 1200,
}

/** Enough to see that everything runs. */
export const quickSizes: Sizes = {
  rounds: 1,
  files: 10_000,
  theirRows: 2_000,
  memory: { small: 10_000, large: 40_000 },
  pages: { rows: 20_000, users: 100, reads: 200 },
  tick: { small: 1000, large: 10_000, due: 100 },
  jobs: 100,
  limited: 500,
}
