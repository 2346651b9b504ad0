import type { ReasonMeaning } from '../define.ts'

/**
 * Of the gateway and of Data Management: https://aps.autodesk.com/en/docs/oauth/v2/developers_guide/error_handling. BIM360DM_ERROR is not
 * here: its status says what it is.
 */
export const reasons: Readonly<Record<string, ReasonMeaning>> = {
  'ERR-001': 'rate_limited',
  'AUTH-006': 'unauthorized',
  // With 403.
  USER_NOT_AUTHENTICATED: 'unauthorized',
  'AUTH-004': 'missing_scope',
  // The app lacks the API, or the account lacks the app, or both are in different regions.
  'AUTH-001': 'not_installed',
  'AUTH-010': 'forbidden',
  NOT_FOUND: 'not_found',
  BAD_INPUT: 'rejected',
  'AUTH-003': 'contract',
  'AUTH-008': 'contract',
  'AUTH-009': 'contract',
  'AUTH-012': 'contract',
}
