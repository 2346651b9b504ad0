import type { SandboxAccount } from '../admin-contract.ts'

/** A Jobber account, with the administrator who connects it. */
export interface Business {
  number: number
  name: string
  /** Their e-mail address. */
  administrator: string
  clients: Client[]
}

export interface Client {
  id: string
  firstName: string
  lastName: string
  companyName: string | null
  isCompany: boolean
  isLead: boolean
  isArchived: boolean
  name: string
  jobberWebUri: string
  /** ISO 8601 */
  createdAt: string
  updatedAt: string
}

const mapleStreet: [first: string, last: string, company?: string][] = [
  ['Jane', 'Doe'],
  ['Marcus', 'Okafor'],
  ['Priya', 'Raman', 'Lakeshore Condominiums'],
  ['Tom', 'Lindqvist'],
  ['Elena', 'Vargas', 'Vargas Family Dental'],
]
const harbour: [first: string, last: string, company?: string][] = [
  ['Ruth', 'Abernathy'],
  ['Sanjay', 'Mehta', 'Quayside Hotel'],
]
const firstNames = ['Ada', 'Ben', 'Clara', 'David', 'Esther', 'Farid', 'Grace', 'Hugo', 'Ines', 'Jonas', 'Keiko', 'Liam']
const lastNames = [
  'Archer',
  'Brandt',
  'Costa',
  'Dunn',
  'Engel',
  'Fraser',
  'Gupta',
  'Hansen',
  'Ito',
  'Jensen',
  'Kowalski',
  'Lopez',
]

/** The Jobber accounts, and their clients. */
export class Businesses {
  #lastClient = 1_204_000
  readonly #all: readonly Business[]

  constructor() {
    const clients = (names: typeof mapleStreet) => names.map(([first, last, company]) => this.#client(first, last, company))
    this.#all = [
      { number: 731, name: 'Maple Street Landscaping', administrator: 'dana@example.com', clients: clients(mapleStreet) },
      { number: 732, name: 'Harbour Plumbing & Heating', administrator: 'robin@example.com', clients: clients(harbour) },
      { number: 733, name: 'Bright Pane Window Cleaning', administrator: 'alex@example.com', clients: [] },
    ]
  }

  get accounts(): SandboxAccount[] {
    return this.#all.map(({ number, name, administrator }) => ({ name: administrator, id: String(number), label: name }))
  }

  of(administrator: string): Business {
    const business = this.#all.find((each) => each.administrator === administrator)
    if (business === undefined) throw new Error(`There is no account ${administrator}.`)
    return business
  }

  /** Gives a business clients until it has `count`. */
  fill(administrator: string, count: number): void {
    const { clients } = this.of(administrator)
    while (clients.length < count) {
      const number = clients.length
      const first = firstNames[number % firstNames.length] ?? ''
      const last = lastNames[Math.floor(number / firstNames.length) % lastNames.length] ?? ''
      clients.push(this.#client(first, last))
    }
  }

  #client(firstName: string, lastName: string, companyName?: string): Client {
    this.#lastClient += 1
    return {
      id: encodedId('Client', this.#lastClient),
      firstName,
      lastName,
      companyName: companyName ?? null,
      isCompany: companyName !== undefined,
      isLead: false,
      isArchived: false,
      name: companyName ?? `${firstName} ${lastName}`,
      jobberWebUri: `https://secure.getjobber.com/clients/${this.#lastClient}`,
      createdAt: '2025-10-01T14:02:11Z',
      updatedAt: '2026-10-02T09:00:00Z',
    }
  }
}

/** A global id, as `EncodedId` has it. */
export function encodedId(type: string, number: number): string {
  return Buffer.from(`gid://Jobber/${type}/${number}`).toString('base64')
}

/** True for what can be an `EncodedId` at all. */
export function isEncodedId(value: unknown): boolean {
  return typeof value === 'string' && /^gid:\/\/Jobber\/\w+\/\d+$/.test(Buffer.from(value, 'base64').toString())
}
