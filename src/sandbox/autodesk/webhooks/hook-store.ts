import { z } from 'zod'
import type { SandboxClock } from '../../clock.ts'
import { StateFile } from '../../state-file.ts'
import type { Folder } from '../files/entries.ts'

/** The events that are simulated. https://aps.autodesk.com/en/docs/webhooks/v1/reference/events */
export const hookEvents = [
  'dm.version.added',
  'dm.version.modified',
  'dm.version.deleted',
  'dm.version.moved',
  'dm.version.moved.out',
] as const
export type HookEvent = (typeof hookEvents)[number]

const Hook = z.object({
  hookId: z.string(),
  event: z.enum(hookEvents),
  callbackUrl: z.string(),
  /** The folder whose subtree it is about. */
  folder: z.string(),
  region: z.string(),
  /** What deliveries are signed with; null: they are not. */
  token: z.string().nullable(),
  status: z.enum(['active', 'inactive', 'reactivated']),
  autoReactivateHook: z.boolean(),
  hookExpiry: z.string().nullable(),
  hookAttribute: z.record(z.string(), z.unknown()).optional(),
  clientId: z.string(),
  /** The person's id, or the app's for a token of its own. */
  createdBy: z.string(),
  creatorType: z.enum(['O2User', 'Application']),
  /** Milliseconds since the epoch. */
  created: z.number(),
  updated: z.number(),
})
export type Hook = z.output<typeof Hook>

/** All hooks, kept where there is a state folder. */
export class HookStore {
  readonly #clock: SandboxClock
  readonly #file: StateFile | null
  readonly #hooks = new Map<string, Hook>()
  /** Most of what happens is in folders that nobody watches. */
  readonly #byFolder = new Map<string, Set<Hook>>()

  private constructor(clock: SandboxClock, file: StateFile | null) {
    this.#clock = clock
    this.#file = file
  }

  static async open(clock: SandboxClock, path: string | undefined): Promise<HookStore> {
    const file = path === undefined ? null : new StateFile(path)
    const store = new HookStore(clock, file)
    for (const hook of z.array(Hook).parse((await file?.load()) ?? [])) store.#place(hook)
    return store
  }

  all(): Hook[] {
    return [...this.#hooks.values()]
  }

  find(id: string): Hook | undefined {
    return this.#hooks.get(id)
  }

  add(hook: Hook): void {
    this.#place(hook)
    this.#save()
  }

  update(hook: Hook, changes: Partial<Hook>): void {
    Object.assign(hook, changes, { updated: this.#clock.now() })
    this.#save()
  }

  remove(hook: Hook): void {
    this.#hooks.delete(hook.hookId)
    this.#byFolder.get(hook.folder)?.delete(hook)
    this.#save()
  }

  /** Whether it is still told of what happens. */
  isOn(hook: Hook): boolean {
    if (hook.status === 'inactive' || this.#hooks.get(hook.hookId) !== hook) return false
    return hook.hookExpiry === null || Date.parse(hook.hookExpiry) > this.#clock.now()
  }

  /** The hooks that are told of an event in the innermost of these folders. */
  watching(folders: Iterable<Folder>, event: HookEvent): Hook[] {
    const all = Iterator.from(folders).flatMap(({ id }) => this.#byFolder.get(id) ?? [])
    return all.filter((hook) => hook.event === event && this.isOn(hook)).toArray()
  }

  async flush(): Promise<void> {
    await this.#file?.flush()
  }

  #place(hook: Hook): void {
    this.#hooks.set(hook.hookId, hook)
    this.#byFolder.set(hook.folder, (this.#byFolder.get(hook.folder) ?? new Set()).add(hook))
  }

  #save(): void {
    this.#file?.save(() => this.all())
  }
}
