import type { SandboxClock } from '../../clock.ts'
import type { OAuthControl } from '../../oauth/authorization-server.ts'
import type { SandboxControl } from '../../provider.ts'
import { people } from '../accounts.ts'
import type { DriveStore } from './drive-store.ts'
import { rootId } from './ids.ts'

/** Google's control, for what Patchbay connects as `google-drive`. An account there is known by its permission id. */
export function driveControl(oauth: OAuthControl, store: DriveStore, clock: SandboxClock): SandboxControl {
  return {
    ...oauth,
    accounts: people.map(({ email, permissionId }) => ({ name: email, id: permissionId, label: email })),
    fill: (account, count) => addSharedDrives(store, account, count, clock.now()),
  }
}

function addSharedDrives(store: DriveStore, account: string, count: number, created: number): void {
  const had = [...store.drives.values()].filter(({ members }) => members.includes(account)).length
  for (let number = had + 1; number <= count; number += 1) {
    const name = `Shared drive ${number}`
    const drive = store.addDrive({ id: rootId(`drive/${account}/${number}`), name, created, members: [] })
    store.setMember(drive, account, true)
  }
}
