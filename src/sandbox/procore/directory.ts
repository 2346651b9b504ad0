import type { SandboxAccount } from '../admin-contract.ts'
import type { Company, Me, Project } from './types.ts'

interface CompanyRecord {
  id: number
  name: string
  projects: readonly Project[]
}

interface Person {
  id: number
  login: string
  companies: CompanyRecord[]
}

const cedarRidge: CompanyRecord = {
  id: 8089,
  name: 'Cedar Ridge Builders',
  projects: [
    project(8089, 'Cedar Ridge Builders', 3_133_196, '2025-014', 'Riverside Medical Office', 'Austin'),
    project(8089, 'Cedar Ridge Builders', 3_140_772, '2025-021', 'Eastgate Parking Structure', 'Round Rock'),
    project(8089, 'Cedar Ridge Builders', 3_152_408, '2026-003', 'Lakeline Elementary Addition', 'Cedar Park'),
  ],
}
const harborview: CompanyRecord = {
  id: 9214,
  name: 'Harborview Construction',
  projects: [project(9214, 'Harborview Construction', 2_907_115, 'HV-118', 'Pier 9 Warehouse Conversion', 'Houston')],
}
const northside: CompanyRecord = { id: 10_377, name: 'Northside Civil', projects: [] }
// Newer ones have ids beyond 32 bits.
const summit: CompanyRecord = { id: 598_134_325_779_301, name: 'Summit Interiors', projects: [] }

const trades = ['Concrete', 'Steel', 'Electric', 'Mechanical', 'Roofing', 'Glazing', 'Masonry', 'Paving']
const places = ['Bluebonnet', 'Barton Creek', 'Hill Country', 'Brazos', 'Pecan Street', 'Lone Star', 'Travis', 'Gulf Coast']

/** Who is in which company, and where the app is installed. */
export class ProcoreDirectory {
  readonly #people: readonly Person[] = [
    { id: 1234, login: 'pat@example.com', companies: [cedarRidge] },
    { id: 1235, login: 'kim@example.com', companies: [cedarRidge, harborview, northside] },
    { id: 1236, login: 'lee@example.com', companies: [summit] },
  ].map((person) => ({ ...person, companies: [...person.companies] }))
  readonly #uninstalled = new Set([northside.id, summit.id])
  #lastId = 20_000

  get accounts(): SandboxAccount[] {
    return this.#people.map(({ id, login }) => ({ name: login, id: String(id), label: login }))
  }

  me(login: string): Me {
    return { id: this.#person(login).id, login, name: null }
  }

  companies(login: string): Company[] {
    return this.#person(login).companies.map(({ id, name }, index) => ({
      id,
      is_active: true,
      logo_url: null,
      my_company: index === 0,
      name,
      pcn_business_experience: null,
    }))
  }

  /** Undefined when the user is not in that company. */
  company(login: string, id: string): { installed: boolean; projects: readonly Project[] } | undefined {
    const found = this.#person(login).companies.find((company) => String(company.id) === id)
    return found && { installed: !this.#uninstalled.has(found.id), projects: found.projects }
  }

  /** An administrator of the company installs or uninstalls the app. */
  install(companyId: number, installed: boolean): void {
    if (installed) this.#uninstalled.delete(companyId)
    else this.#uninstalled.add(companyId)
  }

  /** Puts the user into companies until there are `count`. */
  fill(login: string, count: number): void {
    const { companies } = this.#person(login)
    while (companies.length < count) {
      this.#lastId += 1
      const number = companies.length
      const name = `${places[number % places.length]} ${trades[Math.floor(number / places.length) % trades.length]}`
      const again = Math.floor(number / (places.length * trades.length))
      companies.push({ id: this.#lastId, name: again === 0 ? name : `${name} ${again + 1}`, projects: [] })
    }
  }

  #person(login: string): Person {
    const person = this.#people.find((each) => each.login === login)
    if (person === undefined) throw new Error(`There is no account ${login}.`)
    return person
  }
}

function project(companyId: number, company: string, id: number, number: string, name: string, city: string): Project {
  return {
    id,
    name,
    display_name: `${number} - ${name}`,
    project_number: number,
    active: true,
    address: '',
    city,
    state_code: 'TX',
    country_code: 'US',
    time_zone: 'Central Time (US & Canada)',
    project_stage: { id: 4, name: 'Course of Construction' },
    company: { id: companyId, name: company },
    created_at: '2025-03-06T18:25:41Z',
    updated_at: '2026-09-14T15:02:10Z',
  }
}
