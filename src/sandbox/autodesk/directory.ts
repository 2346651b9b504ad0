import type { Region } from '@aps_sdk/data-management'
import type { SandboxAccount } from '../admin-contract.ts'
import { uuid } from './files/ids.ts'

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

/** A project, and whose it is. */
export interface ProjectPlace {
  project: Project
  hub: Hub
  owner: Person
}

/** Who has what at Autodesk. */
export class AutodeskDirectory {
  readonly #places = new Map<string, ProjectPlace>()
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

  constructor() {
    for (const owner of this.people) {
      for (const hub of owner.hubs) for (const each of hub.projects) this.#places.set(each.id, { project: each, hub, owner })
    }
  }

  get accounts(): SandboxAccount[] {
    return this.people.map(({ account }) => account)
  }

  /** The person of an account name. Throws when there is none. */
  person(accountName: string): Person {
    const found = this.people.find(({ account }) => account.name === accountName)
    if (found === undefined) throw new Error(`There is no account ${accountName}.`)
    return found
  }

  /** The person with that id; undefined when there is none. */
  personById(id: string): Person | undefined {
    return this.people.find(({ account }) => account.id === id)
  }

  projects(): IterableIterator<ProjectPlace> {
    return this.#places.values()
  }

  findProject(id: string): ProjectPlace | undefined {
    return this.#places.get(id)
  }

  /** Adds a project to a person's first account of Autodesk Construction Cloud, or to the hub with that id. */
  addProject(accountName: string, project: Project, hubId?: string): ProjectPlace {
    const owner = this.person(accountName)
    const hub = owner.hubs.find(({ id, type }) => (hubId === undefined ? isAccount(type) : id === hubId))
    if (hub === undefined) throw new Error(`${accountName} has no account of Autodesk Construction Cloud.`)
    return this.#add({ project, hub, owner })
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
    const owner = this.person(accountName)
    const accounts = owner.hubs.filter(({ type }) => isAccount(type))
    for (const [index, hub] of accounts.entries()) {
      const share = Math.ceil((count - index) / accounts.length)
      for (let number = hub.projects.length; number < share; number += 1) {
        this.#add({ project: project(hub.name, number), hub, owner })
      }
    }
  }

  #add(place: ProjectPlace): ProjectPlace {
    place.hub.projects.push(place.project)
    this.#places.set(place.project.id, place)
    return place
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
