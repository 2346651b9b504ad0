import type { FileScenario, FileScene } from '../../file-scene.ts'

const seeds = [1, 2, 3]
const rounds = 5
const changesPerRound = 8

/** Pages of five, and whatever goes may go. */
export const smallPages = { max_files_per_sync: 20, delete_guard_percent: 100 }

export const mixing: readonly FileScenario[] = [
  {
    name: 'whatever happens in whatever order, during a run too, ends in what is there',
    play: async (place) => {
      for (const seed of seeds) {
        const tree = await place.beside()
        await tree.begin(smallPages)
        await mix(tree, chance(seed))
      }
    },
  },
]

/**
 * Changes at random, some of them while everything is read: what a run has passed by already is the next one's. `between` is done now and
 * then after one.
 */
export async function mix(place: FileScene, pick: Pick, between?: () => Promise<void>): Promise<void> {
  const crowd = new Crowd(place, pick)
  await crowd.grow()
  for (let round = 0; round < rounds; round += 1) {
    for (let change = 0; change < changesPerRound; change += 1) await crowd.change()
    if (pick(2) === 0) await place.call('resync_endpoint')
    for (let pages = pick(4); pages > 0; pages -= 1) {
      await place.sync({ pages: 1 })
      for (let change = 0; change < 3; change += 1) await crowd.change()
      if (between && pick(2) === 0) await between()
    }
    await place.syncToEnd()
    await place.syncToEnd()
    await place.expectEqual()
  }
}

/** A number from 0 to below `below`. */
type Pick = (below: number) => number

/** The same numbers for the same seed: https://en.wikipedia.org/wiki/Linear_congruential_generator, as in C++'s minstd_rand. */
export function chance(seed: number): Pick {
  let state = seed
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

interface Member {
  id: string
  parent: Member | null
  folder: boolean
  inTrash: boolean
  hidden: boolean
}

/** Files and folders, and what can be done with them. */
class Crowd {
  readonly #place: FileScene
  readonly #pick: Pick
  readonly #root: Member
  #members: Member[]
  #named = 0

  constructor(place: FileScene, pick: Pick) {
    this.#place = place
    this.#pick = pick
    this.#root = { id: place.rootId, parent: null, folder: true, inTrash: false, hidden: false }
    this.#members = []
  }

  async grow(): Promise<void> {
    for (let count = 0; count < 6; count += 1) await this.#add(true)
    for (let count = 0; count < 12; count += 1) await this.#add(false)
  }

  async change(): Promise<void> {
    const { files } = this.#place
    const member = this.#members[this.#pick(this.#members.length)]
    switch (member === undefined ? 0 : this.#pick(8)) {
      case 0:
        return this.#add(false)
      case 1:
        return this.#add(true)
      case 2:
        return files.rename(member!.id, this.#name())
      case 3:
      case 4:
        return this.#move(member!)
      case 5:
        member!.inTrash = !member!.inTrash
        return member!.inTrash ? files.trash(member!.id) : files.restore(member!.id)
      case 6:
        // What is opened in a closed folder is shown by some providers, and not by others.
        if (member!.hidden && isHidden(member!.parent)) return
        member!.hidden = !member!.hidden
        return files.setVisible(member!.id, !member!.hidden)
      case 7:
        this.#members = this.#members.filter((other) => !isWithin(other, member!))
        return files.remove(member!.id)
    }
  }

  async #add(folder: boolean): Promise<void> {
    const { files } = this.#place
    const parent = this.#anyFolder()
    const name = this.#name()
    const [id] = folder ? await files.addFolders(parent.id, [name]) : await files.addFiles(parent.id, [{ name, size: 1 }])
    this.#members.push({ id: id!, parent, folder, inTrash: false, hidden: false })
  }

  async #move(member: Member): Promise<void> {
    const parent = this.#anyFolder()
    if (isWithin(parent, member) || parent === member.parent) return
    await this.#place.files.move(member.id, parent.id)
    member.parent = parent
  }

  #anyFolder(): Member {
    const folders = [this.#root, ...this.#members.filter(({ folder }) => folder)]
    return folders[this.#pick(folders.length)]!
  }

  /** Names repeat. */
  #name(): string {
    this.#named += 1
    return `name ${this.#named % 15}`
  }
}

function isHidden(member: Member | null): boolean {
  return member !== null && (member.hidden || isHidden(member.parent))
}

function isWithin(member: Member, outer: Member): boolean {
  for (let at: Member | null = member; at !== null; at = at.parent) if (at === outer) return true
  return false
}
