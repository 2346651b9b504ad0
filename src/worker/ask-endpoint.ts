import type { Readable, Writable } from 'node:stream'
import { type CANCEL_SYMBOL, autocomplete, confirm, intro, isCancel, log, select, text } from '@clack/prompts'
import { apiOf } from '../shared/api/integration.ts'
import { PatchbayError } from '../shared/errors.ts'
import { asPatchbayError } from '../shared/failure.ts'
import { type IntegrationRow, listIntegrations } from '../shared/oauth/integrations.ts'
import type { ListItem, ProviderDefinition } from '../shared/providers/define.ts'
import { listItems } from '../shared/providers/lists.ts'
import { providers, streamFor } from '../shared/providers/registry.ts'
import type { Runtime } from '../shared/runtime.ts'
import { type EndpointDraft, findUser, requireText } from './add-endpoint.ts'

/** Where the questions are asked. */
interface Terminal {
  input: Readable
  output: Writable
}

type Answers = EndpointDraft & { user_id: string; endpoint_type: string }

/**
 * Asks for what `given` does not say, step by step, with what the provider has to choose from. Throws `invalid_request` when it is
 * cancelled: nothing is done by then.
 */
export async function askForEndpoint(runtime: Runtime, given: EndpointDraft, terminal: Terminal): Promise<EndpointDraft> {
  const ask = new Questions(runtime, terminal)
  intro('A new endpoint', terminal)
  const user_id = await ask.user(given.user_id)
  const endpoint_type = given.endpoint_type ?? (await ask.type())
  const answers: Answers = { ...given, user_id, endpoint_type: requireText('endpoint_type', endpoint_type) }
  const { provider: definition } = streamFor(answers.endpoint_type)
  const integration = await ask.integration(answers, definition)
  const { config, label } = await ask.config(answers, definition, integration)
  const draft = {
    ...answers,
    ...(integration && { integration_id: integration.id }),
    endpoint_config: config,
    name: given.name ?? (await ask.name(label ?? definition.name)),
    ...(given.schedule_type === undefined && (await ask.schedule())),
    file_types: given.file_types ?? (await ask.fileTypes()),
  }
  await ask.confirm(draft)
  return draft
}

class Questions {
  private readonly runtime: Runtime
  private readonly terminal: Terminal

  constructor(runtime: Runtime, terminal: Terminal) {
    this.runtime = runtime
    this.terminal = terminal
  }

  /** Those who have connected an account; anybody else by id or address. */
  async user(given: unknown): Promise<string> {
    if (given !== undefined) return requireText('user_id', given)
    const { sql } = this.runtime
    const users = await sql<{ id: string; email: string | null }[]>`
      select u.id, u.email from auth.users u
      where exists (select from public.integrations i where i.user_id = u.id)
      order by u.email limit 1000`
    const chosen = await this.choose('Whose endpoint is it?', [
      ...users.map(({ id, email }) => ({ id, label: email ?? id })),
      { id: '', label: 'Somebody else' },
    ])
    return chosen === '' ? findUser(sql, await this.line('The UUID or e-mail address of the user', '')) : chosen
  }

  type(): Promise<string> {
    const types = providers.flatMap(({ name, streams }) => Object.keys(streams).map((id) => ({ id, label: `${name} (${id})` })))
    return this.choose('What does it sync?', types)
  }

  async integration(
    { user_id, integration_id: given }: Answers,
    { id, name }: ProviderDefinition,
  ): Promise<IntegrationRow | undefined> {
    const rows = await listIntegrations(this.runtime.sql, user_id, id)
    if (given !== undefined) return rows.find((row) => row.id === given)
    const usable = rows.filter(({ status }) => status !== 'disconnected')
    const [only, ...others] = usable
    if (!only) log.warn(`This user has not connected ${name}. The endpoint waits until they have.`, this.terminal)
    if (others.length === 0) return only
    const chosen = await this.choose(
      'Which account does it read?',
      usable.map(({ id: value, account_label: label }) => ({ id: value, label: label ?? value })),
    )
    return usable.find((row) => row.id === chosen)
  }

  /** The first choice that is made is what the endpoint is about: its label is a good name. */
  async config(
    { endpoint_type: type, endpoint_config: given }: Answers,
    definition: ProviderDefinition,
    integration: IntegrationRow | undefined,
  ) {
    if (given !== undefined) return { config: given, label: undefined }
    const config: Record<string, string> = {}
    let label: string | undefined
    for (const { field, list, required } of streamFor(type).stream.choices ?? []) {
      const items = integration ? await this.items(definition, integration, list) : []
      const everything = required ? [] : [{ id: '', label: `Everything (no ${field})` }]
      const value =
        items.length > 0
          ? await this.choose(`Which of the ${list}?`, [...everything, ...items])
          : await this.line(field, '', !required)
      if (value === '') continue
      config[field] = value
      label ??= items.find(({ id }) => id === value)?.label
    }
    return { config, label }
  }

  name(suggestion: string): Promise<string> {
    return this.line('Its name', suggestion)
  }

  async schedule(): Promise<EndpointDraft> {
    const minutes = await this.choose('How often?', [
      { id: '5', label: 'Every 5 minutes' },
      { id: '60', label: 'Every hour' },
      { id: '1440', label: 'Every day' },
      { id: '', label: 'By a cron expression' },
    ])
    if (minutes !== '') return { schedule_type: 'interval', interval_minutes: Number(minutes) }
    return {
      schedule_type: 'cron',
      schedule_cron: await this.line('Five fields: minute, hour, day, month, weekday', '0 6 * * 1-5'),
      time_zone: await this.line('The time zone whose clock counts', new Intl.DateTimeFormat().resolvedOptions().timeZone),
    }
  }

  async fileTypes(): Promise<string[]> {
    const answer = await this.line('Which files? Extensions, MIME types or globs, with commas', '*')
    return answer.split(',').map((part) => part.trim())
  }

  async confirm(draft: EndpointDraft): Promise<void> {
    log.info(JSON.stringify(draft, null, 2), this.terminal)
    if (!(await this.answer(confirm({ message: 'Add it?', ...this.terminal })))) throw cancelled()
  }

  /** What the provider cannot list now can still be typed. */
  private async items(definition: ProviderDefinition, integration: IntegrationRow, list: string): Promise<ListItem[]> {
    try {
      return await listItems(apiOf(this.runtime, definition, integration), definition, list)
    } catch (error) {
      log.warn(asPatchbayError(error).message, this.terminal)
      return []
    }
  }

  private async choose(message: string, items: readonly ListItem[]): Promise<string> {
    const labels = Map.groupBy(items, ({ label }) => label)
    const options = items.map(({ id, label }) => ({
      value: id,
      // Two companies may have a project of the same name.
      label: labels.get(label)?.length === 1 ? label : `${label} (${id})`,
    }))
    // Beyond a screenful one looks for a word.
    const prompt = options.length > 12 ? autocomplete : select
    return this.answer(prompt<string>({ message, options, maxItems: 12, ...this.terminal }))
  }

  private async line(message: string, suggestion: string, mayBeEmpty = false): Promise<string> {
    const validate = (value: string | undefined) =>
      mayBeEmpty || (value ?? suggestion).trim() !== '' || suggestion !== '' ? undefined : 'It is needed.'
    const answer = await this.answer(
      text({ message, placeholder: suggestion, defaultValue: suggestion, validate, ...this.terminal }),
    )
    return answer.trim()
  }

  private async answer<T>(prompt: Promise<T | typeof CANCEL_SYMBOL>): Promise<T> {
    const answer = await prompt
    if (isCancel(answer)) throw cancelled()
    return answer
  }
}

function cancelled(): PatchbayError {
  return new PatchbayError('invalid_request', 'Nothing was added.')
}
