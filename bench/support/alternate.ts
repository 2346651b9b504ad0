import type { Bench } from './bench.ts'
import type { Rounds } from './figures.ts'

/** Measures two things in turn, A B A B …, after a first round that does not count: it finds caches and code cold. */
export async function alternate(
  { sizes, progress }: Bench,
  title: string,
  things: { ours: () => Promise<number>; theirs: () => Promise<number> },
): Promise<Rounds> {
  const ours: number[] = []
  const theirs: number[] = []
  progress.step(title)
  for (let round = 0; round <= sizes.rounds; round += 1) {
    const text = round === 0 ? 'warming up' : `round ${round} of ${sizes.rounds}`
    progress.progress(round / (sizes.rounds + 1), text)
    ours.push(await things.ours())
    progress.progress((round + 0.5) / (sizes.rounds + 1), text)
    theirs.push(await things.theirs())
  }
  progress.done(`${sizes.rounds} rounds`)
  return { ours: ours.slice(1), theirs: theirs.slice(1) }
}
