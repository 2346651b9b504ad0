import { z } from 'zod'
import type { Account } from '../define.ts'
import { AuthTest } from './answers.ts'

/**
 * What a token belongs to, of `auth.test`: a bot's to the workspace, or to the organization when it was installed for all of it; a
 * user's to that user there. https://docs.slack.dev/reference/methods/auth.test
 */
export function readAccount(body: unknown): Account {
  const { team, team_id, enterprise_id, is_enterprise_install, user_id, bot_id } = AuthTest.parse(body)
  const place = z.string().parse((is_enterprise_install && enterprise_id) || team_id)
  return { id: bot_id ? place : `${place}:${user_id}`, label: team ?? place }
}
