import type { SandboxAccount } from '../admin-contract.ts'

/** Where someone can install an app: a workspace, or a whole organization of Enterprise Grid. */
export interface Installation {
  account: SandboxAccount
  person: { id: string; name: string; realName: string }
  workspace: { id: string; name: string; domain: string }
  /** The organization that the workspace belongs to. */
  enterprise: { id: string; name: string; domain: string } | null
  /** The app is installed for all of the organization. */
  orgWide: boolean
  botUserId: string
  botId: string
}

const meridian = { id: 'E05GR1DSK', name: 'Meridian Construction Group', domain: 'meridian' }

/** By the name of the account that installs. The id of an account is that of its bot's place. */
export const installations: ReadonlyMap<string, Installation> = new Map(
  [
    {
      account: { name: 'pat@example.com', id: 'T06HB2QK9', label: 'Harbour Builders' },
      person: { id: 'U06HPAT01', name: 'pat', realName: 'Pat Marlowe' },
      workspace: { id: 'T06HB2QK9', name: 'Harbour Builders', domain: 'harbour-builders' },
      enterprise: null,
      orgWide: false,
      botUserId: 'U06HBOT7C',
      botId: 'B06H4QZ1N',
    },
    {
      account: { name: 'sam@example.org', id: 'T05MC8PLN', label: 'Meridian Site Operations' },
      person: { id: 'W05MSAM02', name: 'sam', realName: 'Sam Okafor' },
      workspace: { id: 'T05MC8PLN', name: 'Meridian Site Operations', domain: 'meridian-site' },
      enterprise: meridian,
      orgWide: false,
      botUserId: 'U05MBOT3K',
      botId: 'B05M9RT2X',
    },
    {
      account: { name: 'kim@example.org', id: meridian.id, label: meridian.name },
      person: { id: 'W05MKIM03', name: 'kim', realName: 'Kim Lindqvist' },
      workspace: { id: 'T05MC1HQR', name: 'Meridian Head Office', domain: 'meridian-hq' },
      enterprise: meridian,
      orgWide: true,
      botUserId: 'U05MBOT8W',
      botId: 'B05M2LK6D',
    },
  ].map((installation) => [installation.account.name, installation]),
)

/** Of an account name that the authorization server knows. */
export function installationOf(accountName: string | null): Installation {
  const installation = installations.get(accountName ?? '')
  if (installation === undefined) throw new Error(`There is no account ${accountName}.`)
  return installation
}
