import type { OAuthControl } from '../../oauth/authorization-server.ts'
import { findAccount } from '../../oauth/control.ts'
import type { SandboxControl } from '../../provider.ts'
import { people } from '../accounts.ts'
import type { CalendarLists } from './calendar-lists.ts'

/** Google's control, for what Patchbay connects as `google-calendar`. An account there is known by its address. */
export function calendarControl(oauth: OAuthControl, lists: CalendarLists): SandboxControl {
  const accounts = people.map(({ email }) => ({ name: email, id: email, label: email }))
  return { ...oauth, accounts, fill: (name, count) => lists.fill(findAccount(accounts, name).name, count) }
}
