import type { ReasonMeaning } from '../define.ts'

/**
 * Slack's error codes by what they mean. Those of every method, and of the methods that list, revoke and post. They come with HTTP 200,
 * but for `ratelimited`. https://docs.slack.dev/reference/methods
 */
const codes: readonly (readonly [ReasonMeaning, readonly string[]])[] = [
  ['rate_limited', ['ratelimited', 'rate_limited', 'message_limit_exceeded']],
  [
    'unavailable',
    [
      'fatal_error',
      'internal_error',
      'request_timeout',
      'service_unavailable',
      // The workspace is moving into an organization, and cannot be reached until that is done.
      'org_login_required',
      'team_added_to_org',
    ],
  ],
  // With rotation, at most two access tokens live: one that is revoked may have been replaced by another process.
  ['unauthorized', ['invalid_auth', 'token_expired', 'token_revoked']],
  ['reconnect', ['account_inactive', 'two_factor_setup_required']],
  ['missing_scope', ['missing_scope']],
  ['not_installed', ['team_access_not_granted']],
  [
    'forbidden',
    [
      'access_denied',
      'accesslimited',
      'cannot_reply_to_message',
      'ekm_access_denied',
      'enterprise_is_restricted',
      'messages_tab_disabled',
      'no_permission',
      'not_in_channel',
      'restricted_action',
      'restricted_action_non_threadable_channel',
      'restricted_action_read_only_channel',
      'restricted_action_thread_locked',
      'restricted_action_thread_only_channel',
      'user_not_in_channel',
      'user_not_visible',
    ],
  ],
  ['not_found', ['channel_not_found', 'message_not_found', 'team_not_found', 'user_not_found', 'users_not_found']],
  [
    'rejected',
    [
      'as_user_not_supported',
      'attachment_payload_limit_exceeded',
      'invalid_blocks',
      'invalid_blocks_format',
      'invalid_cursor',
      'invalid_limit',
      'invalid_metadata_format',
      'invalid_metadata_schema',
      'invalid_types',
      'invalid_user_combination',
      'is_archived',
      'limit_required',
      'markdown_text_conflict',
      'method_not_supported_for_channel_type',
      'missing_argument',
      'msg_blocks_too_long',
      'msg_too_long',
      'no_text',
      'not_enough_users',
      'too_many_attachments',
      'too_many_users',
      'user_disabled',
      'users_list_not_supplied',
    ],
  ],
  [
    'contract',
    [
      'deprecated_endpoint',
      'invalid_arg_name',
      'invalid_arguments',
      'invalid_array_arg',
      'invalid_charset',
      'invalid_form_data',
      'invalid_post_type',
      'method_deprecated',
      'missing_post_type',
      'not_allowed_token_type',
      'not_authed',
      'not_bearer_token',
      'unknown_method',
    ],
  ],
]

export const reasons: Readonly<Record<string, ReasonMeaning>> = Object.fromEntries(
  codes.flatMap(([meaning, reasons]) => reasons.map((reason) => [reason, meaning] as const)),
)
