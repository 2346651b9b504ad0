import type { SandboxClock } from '../../clock.ts'
import type { OAuthControl } from '../../oauth/authorization-server.ts'
import { findAccount } from '../../oauth/control.ts'
import type { SandboxControl } from '../../provider.ts'
import { people } from '../accounts.ts'
import { folderType, isFolder } from './drive-file.ts'
import type { DriveStore } from './drive-store.ts'
import { rootId } from './ids.ts'

/** Google's control, for what Patchbay connects as `google-drive`. An account there is known by its permission id. */
export function driveControl(oauth: OAuthControl, store: DriveStore, clock: SandboxClock): SandboxControl {
  const accounts = people.map(({ email, permissionId }) => ({ name: email, id: permissionId, label: email }))
  return {
    ...oauth,
    accounts,
    fill: (name, count) => {
      const { name: account } = findAccount(accounts, name)
      addFolders(store, account, count, clock.now())
      addSharedDrives(store, account, count, clock.now())
    },
  }
}

/** Adds folders to My Drive until it has so many, at any depth. */
function addFolders(store: DriveStore, account: string, count: number, created: number): void {
  const root = store.root(account)
  const had = store.files.filter((file) => file?.owner === account && isFolder(file) && !file.trashed).length
  for (let number = had + 1; number <= count; number += 1) {
    store.create({ parent: root, name: `Project ${number}`, mimeType: folderType, size: null, created, modified: created })
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
