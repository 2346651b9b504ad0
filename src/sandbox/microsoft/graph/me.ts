import type { User } from '@microsoft/microsoft-graph-types'
import type { Person } from '../people.ts'
import { displayName } from './mailboxes.ts'

/** The account as Graph shows it when nothing is selected. */
export function userResource(person: Person) {
  const { id, address, givenName, surname, jobTitle, mailbox } = person
  return {
    businessPhones: [],
    displayName: displayName(person),
    givenName,
    id,
    jobTitle,
    // Null without a mailbox: clients fall back to the sign-in name.
    mail: mailbox ? address : null,
    mobilePhone: null,
    officeLocation: null,
    preferredLanguage: 'en-US',
    surname,
    userPrincipalName: address,
  } satisfies User
}
