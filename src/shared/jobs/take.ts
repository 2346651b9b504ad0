import { type Job, type JobQueue, type QueueName, quickQueueNames, slowQueueNames } from './queue.ts'

/** Places beside those of the syncs, and of each other: no token waits for its refresh behind what takes minutes. */
const quickPlaces = 4
const slowPlaces = 2

const otherSlowQueueNames = slowQueueNames.filter((name) => name !== 'sync')

/**
 * Takes the jobs that there is room for: up to `syncs` syncs at a time, and others beside them. `turn` counts the calls: of the other jobs
 * that take their time, each kind is first in turn, so that many of one keep no other waiting for good. Gives them queue by queue: when one
 * cannot be asked, what was taken before is in hand, and nobody has to wait for its heartbeat to run out.
 */
export async function* take(queue: JobQueue, syncs: number, inHand: readonly Job[], turn: number): AsyncGenerator<Job[], void> {
  const first = turn % otherSlowQueueNames.length
  const slow = [...otherSlowQueueNames.slice(first), ...otherSlowQueueNames.slice(0, first)]
  yield* takeOf(queue, quickQueueNames, quickPlaces, inHand)
  yield* takeOf(queue, slow, slowPlaces, inHand)
  yield* takeSyncs(queue, syncs, inHand)
}

async function* takeOf(
  queue: JobQueue,
  names: readonly QueueName[],
  places: number,
  inHand: readonly Job[],
): AsyncGenerator<Job[], void> {
  let room = places - inHand.filter(({ name }) => names.includes(name)).length
  for (const name of names) {
    if (room <= 0) return
    const taken = await queue.fetch(name, room)
    room -= taken.length
    yield taken
  }
}

/**
 * A group of syncs is a user's. However many one has, a fifth of the places is left to others: the queue's order alone would not help who
 * comes when all places are taken for minutes.
 */
async function* takeSyncs(queue: JobQueue, places: number, inHand: readonly Job[]): AsyncGenerator<Job[], void> {
  const share = Math.max(1, places - Math.ceil(places / 5))
  const before = inHand.filter(({ name }) => name === 'sync')
  const taken: Job<'sync'>[] = []
  for (;;) {
    const { full, most } = groupsOf([...before, ...taken], share)
    // No more than any one of them may have: who they will be is not known.
    const limit = Math.min(places - before.length - taken.length, share - most)
    if (limit <= 0) return
    const more = await queue.fetch('sync', limit, full)
    taken.push(...more)
    yield more
    if (more.length < limit) return
  }
}

/** The groups that have all of their share, and how many jobs a group has at most that has not. */
function groupsOf(jobs: readonly Job[], share: number): { full: string[]; most: number } {
  const counts = new Map<string, number>()
  for (const { group } of jobs) {
    if (group !== null) counts.set(group, (counts.get(group) ?? 0) + 1)
  }
  const full = [...counts].filter(([, count]) => count >= share).map(([group]) => group)
  const others = [...counts.values()].filter((count) => count < share)
  return { full, most: Math.max(0, ...others) }
}
