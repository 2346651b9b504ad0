import { hash } from 'node:crypto'
import type { calendar_v3 } from '@googleapis/calendar'
import { kim, pat, people, sam, serviceAccount } from '../accounts.ts'

/** An entry of somebody's list of calendars. Google leaves out what is false. */
export type ListEntry = calendar_v3.Schema$CalendarListEntry & { id: string }

const timeZone = 'America/Chicago'
// Fixed, so that the same calendars are there after every start. Microseconds.
const changed = 1_773_134_923_921_263
const more = ['Site visits', 'Inspections', 'Deliveries', 'Crew schedule', 'Subcontractors', 'Client meetings']

/** The list of calendars of each account, the primary one first. */
export class CalendarLists {
  readonly #entries = new Map<string, ListEntry[]>()

  constructor() {
    for (const { email } of [...people, serviceAccount]) this.#entries.set(email, [primary(email)])
    for (const { email } of people) this.#of(email).push(holidays())
    this.#of(pat.email).push(
      secondary(pat.email, 'Jobsite A', 'owner'),
      { ...secondary(kim.email, 'Inspections', 'reader'), summaryOverride: "Kim's inspections" },
      { ...secondary(pat.email, 'Old projects', 'owner'), hidden: true },
      removed(secondary(pat.email, 'Warehouse', 'owner')),
    )
    // Of somebody whose whole calendar is shared, free and busy times only.
    this.#of(pat.email).push({ ...base(sam.email, sam.email), accessRole: 'freeBusyReader' })
  }

  entries(email: string): readonly ListEntry[] {
    return this.#of(email)
  }

  /** Adds calendars until the account sees so many. */
  fill(email: string, count: number): void {
    const entries = this.#of(email)
    const seen = entries.filter(({ hidden, deleted }) => hidden !== true && deleted !== true).length
    for (let number = seen + 1; number <= count; number += 1) {
      entries.push(secondary(email, `${more[number % more.length]} ${number}`, 'owner'))
    }
  }

  #of(email: string): ListEntry[] {
    const entries = this.#entries.get(email)
    if (entries === undefined) throw new Error(`There is no account ${email}.`)
    return entries
  }
}

function primary(email: string): ListEntry {
  return {
    ...base(email, email),
    accessRole: 'owner',
    primary: true,
    notificationSettings: { notifications: [{ type: 'eventCreation', method: 'email' }] },
    defaultReminders: [{ method: 'popup', minutes: 30 }],
  }
}

function secondary(owner: string, summary: string, accessRole: 'owner' | 'reader'): ListEntry {
  const id = `c_${hash('sha256', `${owner}/${summary}`, 'hex')}@group.calendar.google.com`
  return { ...base(id, summary), dataOwner: owner, accessRole }
}

function holidays(): ListEntry {
  const entry = base('en.usa#holiday@group.v.calendar.google.com', 'Holidays in United States')
  return { ...entry, description: 'Holidays and Observances in United States', accessRole: 'reader' }
}

function base(id: string, summary: string) {
  return {
    kind: 'calendar#calendarListEntry',
    etag: `"${changed}"`,
    id,
    summary,
    timeZone,
    colorId: '14',
    backgroundColor: '#9fe1e7',
    foregroundColor: '#000000',
    selected: true,
    defaultReminders: [],
    conferenceProperties: { allowedConferenceSolutionTypes: ['hangoutsMeet'] },
  } satisfies ListEntry
}

/** No name and no role: all that Google says of an entry that is gone. */
function removed({ id }: ListEntry): ListEntry {
  return { kind: 'calendar#calendarListEntry', etag: `"${changed}"`, id, defaultReminders: [], deleted: true }
}
