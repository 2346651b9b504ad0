import type { SandboxAccount } from '../admin-contract.ts'

/** Someone with a Microsoft account. */
export interface Person {
  /** Address and sign-in name. */
  address: string
  /** A GUID for a work account, 16 hexadecimal digits for a personal one. */
  id: string
  givenName: string
  surname: string
  jobTitle: string | null
  tenant: Tenant
  /** Has a mailbox in Exchange Online, and so calendars. */
  mailbox: boolean
}

/** A directory of accounts. */
export interface Tenant {
  id: string
  domain: string
  /** Its users cannot agree to an app by themselves. */
  administratorsApprove: boolean
}

/** Where all personal accounts are, at Microsoft as well. */
export const consumers: Tenant = {
  id: '9188040d-6c67-4c5b-b112-36a304b66dad',
  domain: 'outlook.example',
  administratorsApprove: false,
}
const contoso: Tenant = { id: '5f0c3d6e-8b1a-4c27-9e54-d2a7f6c81b03', domain: 'contoso.example', administratorsApprove: false }
const fabrikam: Tenant = { id: 'b7e92a14-06fd-4e3b-8c91-3d5f0a6e7c28', domain: 'fabrikam.example', administratorsApprove: true }

export const tenants: readonly Tenant[] = [consumers, contoso, fabrikam]

/** Works at Contoso. */
const adele: Person = {
  address: 'adele@contoso.example',
  id: '87d349ed-44d7-43e1-9a83-5f2406dee5bd',
  givenName: 'Adele',
  surname: 'Vance',
  jobTitle: 'Project Manager',
  tenant: contoso,
  mailbox: true,
}
/** Has a personal account. */
const lee: Person = {
  address: 'lee@outlook.example',
  id: '0003bffeb42e11bc',
  givenName: 'Lee',
  surname: 'Gu',
  jobTitle: null,
  tenant: consumers,
  mailbox: true,
}
/** An administrator of Contoso, whose account has no licence for a mailbox. */
const diego: Person = {
  address: 'diego@contoso.example',
  id: '4782e723-f4f4-4af3-a76e-25e3bab0d896',
  givenName: 'Diego',
  surname: 'Siciliani',
  jobTitle: 'IT Administrator',
  tenant: contoso,
  mailbox: false,
}
/** Works at Fabrikam, where an administrator has to approve apps. */
const megan: Person = {
  address: 'megan@fabrikam.example',
  id: '48d31887-5fad-4d73-a9f5-3c356e68a038',
  givenName: 'Megan',
  surname: 'Bowen',
  jobTitle: 'Site Supervisor',
  tenant: fabrikam,
  mailbox: true,
}

/** The default first. */
export const people: readonly Person[] = [adele, lee, diego, megan]

export const accounts: readonly SandboxAccount[] = people.map(({ address, id }) => ({ name: address, id, label: address }))

const byAddress = new Map(people.map((person) => [person.address, person]))

/** Throws when there is nobody of that address. */
export function findPerson(address: string): Person {
  const person = byAddress.get(address)
  if (person !== undefined) return person
  throw new Error(`There is no account ${address}.`)
}
