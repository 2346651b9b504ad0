/** What a ratio of ours to theirs, or a figure of ours, must be. */
export type Target = { atLeast: number } | { atMost: number } | { exactly: number }

/** One line of the report. */
export interface Figure {
  /** Such as `first-sync`. */
  measure: string
  /** What was compared, in words. */
  about: string
  unit: string
  ours: number
  theirs: number | null
  /** Ours by theirs; null where a figure stands by itself. */
  ratio: number | null
  target: Target
  ok: boolean
  /** Every round, in order. */
  rounds: Rounds
}

export interface Rounds {
  ours: readonly number[]
  theirs: readonly number[]
}

type Description = Pick<Figure, 'measure' | 'about' | 'unit' | 'target'>

/** The medians of two things that were measured alternately; the target is about their ratio. */
export function comparison(description: Description, rounds: Rounds): Figure {
  const ours = median(rounds.ours)
  const theirs = median(rounds.theirs)
  return { ...description, ours, theirs, ratio: ours / theirs, ok: meets(ours / theirs, description.target), rounds }
}

/** A figure that stands by itself: the worst of its rounds counts. */
export function worst(description: Description, ours: readonly number[]): Figure {
  const value = Math.max(...ours)
  return {
    ...description,
    ours: value,
    theirs: null,
    ratio: null,
    ok: meets(value, description.target),
    rounds: { ours, theirs: [] },
  }
}

/** Of at least one number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]
  if (upper === undefined || lower === undefined) throw new Error('There is no median of nothing.')
  return (lower + upper) / 2
}

function meets(value: number, target: Target): boolean {
  if ('atLeast' in target) return value >= target.atLeast
  if ('atMost' in target) return value <= target.atMost
  return value === target.exactly
}
