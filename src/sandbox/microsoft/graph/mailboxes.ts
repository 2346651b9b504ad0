import { hash } from 'node:crypto'
import type { Calendar, CalendarColor } from '@microsoft/microsoft-graph-types'
import { people, type Person } from '../people.ts'

/** A calendar as Graph sends it. `groupClassId` is sent, and not in its description. */
export type CalendarResource = Calendar & { groupClassId: string }

interface CalendarKind {
  color?: CalendarColor
  hexColor?: string
  isDefault?: boolean
  /** Nobody can write to birthdays and holidays, nor to what others share for reading. */
  readOnly?: boolean
  /** Whose it is; by default the mailbox's own. */
  owner?: { name: string; address: string }
}

const more = ['Site visits', 'Inspections', 'Deliveries', 'Crew schedule', 'Subcontractors', 'Client meetings']

/** The calendars of each mailbox, the default one first. */
export class Mailboxes {
  readonly #calendars = new Map<string, CalendarResource[]>()

  constructor() {
    for (const person of people) this.#calendars.set(person.address, usualCalendars(person))
  }

  calendars({ address }: Person): readonly CalendarResource[] {
    return this.#calendars.get(address) ?? []
  }

  /** Adds calendars until there are so many. */
  fill(person: Person, count: number): void {
    const calendars = this.#calendars.get(person.address) ?? []
    for (let index = calendars.length; index < count; index += 1) {
      calendars.push(calendar(person, `${more[index % more.length]} ${index + 1}`, {}))
    }
  }
}

function usualCalendars(person: Person): CalendarResource[] {
  const own = [
    calendar(person, 'Calendar', { isDefault: true }),
    calendar(person, 'Birthdays', { readOnly: true }),
    calendar(person, 'United States holidays', { color: 'lightGreen', hexColor: '#498205', readOnly: true }),
  ]
  const [colleague] = people.filter(({ tenant, address }) => tenant === person.tenant && address !== person.address)
  if (colleague === undefined) return own
  const owner = { name: displayName(colleague), address: colleague.address }
  return [...own, calendar(person, owner.name, { owner, readOnly: true })]
}

function calendar(person: Person, name: string, kind: CalendarKind): CalendarResource {
  const { color = 'auto', hexColor = '', isDefault = false, readOnly = false } = kind
  const owner = kind.owner ?? { name: displayName(person), address: person.address }
  return {
    id: `AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A${fingerprint(`${person.address}/${name}`, 36)}AAAAAA==`,
    name,
    color,
    hexColor,
    groupClassId: '0006f0b7-0000-0000-c000-000000000046',
    isDefaultCalendar: isDefault,
    changeKey: `${fingerprint(`${name}/${person.address}`, 28)}==`,
    canShare: owner.address === person.address && !readOnly,
    canViewPrivateItems: owner.address === person.address,
    canEdit: !readOnly,
    allowedOnlineMeetingProviders: ['teamsForBusiness'],
    defaultOnlineMeetingProvider: 'teamsForBusiness',
    isTallyingResponses: isDefault,
    isRemovable: !isDefault && !readOnly,
    owner,
  } satisfies CalendarResource
}

export function displayName({ givenName, surname }: Person): string {
  return `${givenName} ${surname}`
}

function fingerprint(text: string, length: number): string {
  return hash('sha256', text, 'base64url').slice(0, length)
}
