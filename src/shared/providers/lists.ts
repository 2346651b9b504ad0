import { PatchbayError } from '../errors.ts'
import type { ProviderApi } from '../http/provider-api.ts'
import type { ListItem, ProviderDefinition, ProviderList } from './define.ts'
import { quote } from './registry.ts'

/** Somebody waits for a list, and chooses from it by eye. */
const mostPages = 50

/**
 * All items of a provider's list, page after page, or as many pages as it takes to have `enough`. Throws what the API throws, `not_found` for a list that the provider does not have,
 * and `provider_answer_invalid` for a page that cannot be read or a listing that does not end.
 */
export async function listItems(
  api: ProviderApi,
  definition: ProviderDefinition,
  name: string,
  { enough = Number.POSITIVE_INFINITY }: { enough?: number } = {},
): Promise<ListItem[]> {
  const list = findList(definition, name)
  const items: ListItem[] = []
  let cursor: string | null = null
  for (let page = 0; page < mostPages; page += 1) {
    const { body, headers } = await api.send(list.request(cursor))
    const read = readPage(definition, list, body, { headers, cursor })
    items.push(...read.items)
    if (read.next === null || items.length >= enough) return items
    cursor = read.next
  }
  throw invalid(definition, `has more than ${mostPages} pages of ${name}.`)
}

function findList({ id, name, lists }: ProviderDefinition, wanted: string): ProviderList {
  const list = Object.hasOwn(lists, wanted) ? lists[wanted] : undefined
  if (list) return list
  throw new PatchbayError('not_found', `${name} has no list ${quote(wanted)}.`, {
    context: { provider: id },
    hint: `Use one of: ${Object.keys(lists).join(', ')}.`,
  })
}

function readPage(
  definition: ProviderDefinition,
  list: ProviderList,
  body: unknown,
  answer: Parameters<ProviderList['read']>[1],
): ReturnType<ProviderList['read']> {
  try {
    return list.read(body, answer)
  } catch (error) {
    if (error instanceof PatchbayError) throw error
    throw invalid(definition, 'answered a list with something that Patchbay does not understand.', error)
  }
}

function invalid({ id, name }: ProviderDefinition, what: string, cause?: unknown): PatchbayError {
  return new PatchbayError('provider_answer_invalid', `${name} ${what}`, { cause, context: { provider: id } })
}
