import { createHash } from 'node:crypto'
import type { Region } from '@aps_sdk/data-management'
import type { SandboxAccount } from '../admin-contract.ts'

/** Someone with an Autodesk account. */
export interface Person {
  account: SandboxAccount
  givenName: string
  familyName: string
  hubs: readonly Hub[]
}

/** What projects are in. Of the three kinds, only the first is an account of Autodesk Construction Cloud. */
export interface Hub {
  id: string
  name: string
  type: 'hubs:autodesk.bim360:Account' | 'hubs:autodesk.core:Hub' | 'hubs:autodesk.a360:PersonalHub'
  region: Region
  /** Whether the app is in its list of custom integrations, and so sees it. */
  appAdded: boolean
  projects: Project[]
}

export interface Project {
  id: string
  name: string
  type: 'ACC' | 'BIM360'
}

const places = ['Canal Street', 'Harbour Gate', 'Mill Lane', 'North Quay', 'Pier 7', 'Station Square', 'West Ridge']
const buildings = ['Apartments', 'Bridge', 'Clinic', 'Depot', 'Exchange', 'Footbridge', 'Garage', 'Hotel', 'Library']

/** Who has what at Autodesk. */
export class AutodeskDirectory {
  readonly people: readonly Person[] = [
    person('pat@example.com', '5UNGP2KZFCVW', 'Pat', 'Marlowe', [
      account('Harbour Builders', 'US', 3),
      account('Harbour Builders Europe', 'EMEA', 2),
      { ...account('Pat’s team', 'US', 1), id: 'a.YnVzaW5lc3M6aGFyYm91cg', type: 'hubs:autodesk.core:Hub' },
    ]),
    person('sam@example.org', '7QKDM4TXJZ2B', 'Sam', 'Okafor', [account('Meridian Construction Group', 'EMEA', 4)]),
    // Their administrator has not added the app.
    person('kim@example.org', 'L3RWY9XHPC6N', 'Kim', 'Lindqvist', [{ ...account('Lindqvist Bygg', 'EMEA', 2), appAdded: false }]),
  ]

  get accounts(): SandboxAccount[] {
    return this.people.map(({ account }) => account)
  }

  /** The person of an account name. Throws when there is none. */
  person(accountName: string): Person {
    const found = this.people.find(({ account }) => account.name === accountName)
    if (found === undefined) throw new Error(`There is no account ${accountName}.`)
    return found
  }

  /** What a token sees: of a person, or of the app itself, for which every account counts that has added it. */
  hubs(accountName: string | null): Hub[] {
    const people = accountName === null ? this.people : [this.person(accountName)]
    return people
      .flatMap(({ hubs }) => hubs)
      .filter(({ appAdded, type }) => appAdded && (accountName !== null || isAccount(type)))
  }

  /** Adds the app to the custom integrations of all accounts of a person, or removes it. */
  addApp(accountName: string, added: boolean): void {
    for (const hub of this.person(accountName).hubs) hub.appAdded = added
  }

  /** Makes at least `count` projects, spread over the person's accounts. */
  fill(accountName: string, count: number): void {
    const accounts = this.person(accountName).hubs.filter(({ type }) => isAccount(type))
    for (const [index, hub] of accounts.entries()) {
      const share = Math.ceil((count - index) / accounts.length)
      for (let number = hub.projects.length; number < share; number += 1) hub.projects.push(project(hub.name, number))
    }
  }
}

function isAccount(type: Hub['type']): boolean {
  return type === 'hubs:autodesk.bim360:Account'
}

function person(email: string, id: string, givenName: string, familyName: string, hubs: readonly Hub[]): Person {
  return { account: { name: email, id, label: email }, givenName, familyName, hubs }
}

function account(name: string, region: Region, projects: number): Hub {
  return {
    id: `b.${uuid(name)}`,
    name,
    type: 'hubs:autodesk.bim360:Account',
    region,
    appAdded: true,
    projects: Array.from({ length: projects }, (_, number) => project(name, number)),
  }
}

function project(hub: string, number: number): Project {
  const place = places[number % places.length]
  const building = buildings[Math.floor(number / places.length) % buildings.length]
  const phase = Math.floor(number / places.length / buildings.length) + 1
  return {
    id: `b.${uuid(`${hub}/${number}`)}`,
    name: `${place} ${building}${phase === 1 ? '' : `, phase ${phase}`}`,
    type: number % 5 === 4 ? 'BIM360' : 'ACC',
  }
}

/** The same for the same text, so that ids outlive a restart. */
function uuid(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-')
}
