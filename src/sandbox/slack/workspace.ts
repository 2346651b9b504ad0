import type { ConversationsListResponse, UsersListResponse } from '@slack/web-api'
import type { Installation } from './installations.ts'

export type Member = NonNullable<UsersListResponse['members']>[number] & { id: string }
export type Channel = NonNullable<ConversationsListResponse['channels']>[number] & { id: string }

const firstNames = ['Ana', 'Bilal', 'Chiara', 'Dmitri', 'Elena', 'Femi', 'Greta', 'Hiro', 'Ines', 'Jonas', 'Katya', 'Liam', 'Mei']
const lastNames = [
  'Almeida',
  'Bergstrom',
  'Costa',
  'Dubois',
  'Eriksen',
  'Fischer',
  'Grant',
  'Haddad',
  'Ivanova',
  'Jansen',
  'Kaya',
]
const works = ['electrical', 'facade', 'groundworks', 'hvac', 'interiors', 'lifts', 'plumbing', 'roofing', 'steel', 'survey']
const foundedAt = 1_718_000_000

/** The people and channels of a workspace, in the order in which Slack lists them. */
export class Workspace {
  readonly members: Member[]
  readonly channels: Channel[]
  readonly #installation: Installation
  #people = 0

  constructor(installation: Installation) {
    this.#installation = installation
    const { person, botUserId, botId } = installation
    this.members = [
      // Slackbot says that it is no bot.
      this.#member({ id: 'USLACKBOT', name: 'slackbot', realName: 'Slackbot' }),
      this.#member({ ...person, email: installation.account.name }),
      { ...this.#member({ id: botUserId, name: 'patchbay', realName: 'Patchbay' }), is_bot: true, profile: { bot_id: botId } },
      // Not much is left of one who has gone.
      { id: slackId('U', 90_001), team_id: installation.workspace.id, name: 'former', deleted: true, is_bot: false, profile: {} },
    ]
    this.channels = ['general', 'site-diary', 'rfi-answers', 'tender-2019'].map((name, index) => ({
      ...this.#channel(name, index),
      is_archived: name === 'tender-2019',
    }))
    this.fill(4)
  }

  /** Makes at least `count` people, and as many open channels. */
  fill(count: number): void {
    while (this.#people < count) {
      const first = firstNames[this.#people % firstNames.length]
      const last = lastNames[Math.floor(this.#people / firstNames.length) % lastNames.length]
      this.#people += 1
      const name = `${first}.${last}${this.#people}`.toLowerCase()
      this.members.push(
        this.#member({ id: slackId('U', this.#people), name, realName: `${first} ${last}`, email: `${name}@example.com` }),
      )
    }
    for (let open = this.channels.filter(({ is_archived }) => !is_archived).length; open < count; open += 1) {
      this.channels.push(this.#channel(`${works[open % works.length]}-${open}`, this.channels.length))
    }
  }

  #member({ id, name, realName, email }: { id: string; name: string; realName: string; email?: string }): Member {
    const [first_name, last_name] = realName.split(' ')
    return {
      id,
      team_id: this.#installation.workspace.id,
      name,
      deleted: false,
      real_name: realName,
      tz: 'Europe/Warsaw',
      tz_label: 'Central European Time',
      tz_offset: 3600,
      profile: {
        real_name: realName,
        real_name_normalized: realName,
        display_name: '',
        ...(first_name !== undefined && { first_name }),
        ...(last_name !== undefined && { last_name }),
        ...(email !== undefined && { email }),
        team: this.#installation.workspace.id,
      },
      is_admin: false,
      is_owner: false,
      is_restricted: false,
      is_bot: false,
      is_app_user: false,
      updated: foundedAt,
    } satisfies Member
  }

  #channel(name: string, index: number): Channel {
    return {
      id: slackId('C', index),
      name,
      name_normalized: name,
      is_channel: true,
      is_group: false,
      is_im: false,
      is_mpim: false,
      is_private: false,
      is_archived: false,
      is_general: name === 'general',
      is_member: name === 'general',
      created: foundedAt,
      creator: this.#installation.person.id,
      num_members: this.members.length,
      context_team_id: this.#installation.workspace.id,
    } satisfies Channel
  }
}

function slackId(prefix: string, number: number): string {
  return `${prefix}06${number.toString(36).toUpperCase().padStart(6, '0')}`
}
