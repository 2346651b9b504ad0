import { apiOf } from '../api/integration.ts'
import { PatchbayError } from '../errors.ts'
import { asPatchbayError, logFailure, publicWords } from '../failure.ts'
import type { IntegrationRow } from '../oauth/integrations.ts'
import { tokenSource } from '../oauth/tokens.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import { streamFor } from '../providers/registry.ts'
import type { Runtime } from '../runtime.ts'
import { fileFilter } from '../sync/file-filter.ts'
import { requireScope } from '../sync/run-sync.ts'
import type { Cursor, FileStream, Page, StreamContext } from '../sync/stream.ts'
import { type EndpointTest, stepNames } from './endpoint-test.ts'

/** What is tested: an endpoint, or the settings of one that is still to be made. */
export interface EndpointSettings {
  endpointType: string
  /** `endpoints.endpoint_config`, not yet validated. */
  config: unknown
  fileTypes: readonly string[] | null
  /** Undefined: there is none yet. */
  integration: IntegrationRow | undefined
}

/** How a failure is told: to a user by `publicWords`, to the operator as it is. */
type Words = (error: PatchbayError) => { message: string; hint: string | null }

const pageSize = 100
const mostNames = 5
/** A listing may begin with no more than its root, or with folders alone: files come a page or two later. */
const mostPages = 4

/**
 * Tries what a sync needs, and writes nothing of what it finds: that the token is good, that the provider answers and has the root, and
 * that its contents can be read. What fails is in the answer. Throws `unknown_provider` for an endpoint_type that does not exist, and
 * `invalid_request` for file_types that are not allowed.
 */
export async function testEndpoint(
  runtime: Runtime,
  settings: EndpointSettings,
  words: Words = publicWords,
): Promise<EndpointTest> {
  const { provider: definition, stream } = streamFor(settings.endpointType)
  const trial = new Trial(runtime, definition, stream, settings)
  const failure = await trial.run().then(
    () => undefined,
    (error: unknown) => asPatchbayError(error),
  )
  if (failure) logFailure(runtime.log, failure)

  const { length: reached } = trial.passed
  // Only the provider's answer shows that a token is not good.
  const failedAt = failure?.outcome === 'reconnect' ? 0 : reached
  const steps = stepNames.map((step, index) => {
    if (!failure || index < failedAt) return { step, status: 'ok' as const, ...noWords }
    if (index > failedAt) return { step, status: 'skipped' as const, ...noWords }
    return { step, status: 'failed' as const, code: failure.code, ...words(failure) }
  })
  return { ok: failure === undefined, steps, ...trial.found }
}

const noWords = { code: null, message: null, hint: null }

class Trial {
  readonly passed: (typeof stepNames)[number][] = []
  readonly found: Omit<EndpointTest, 'ok' | 'steps'> = { files: 0, matching: 0, folders: 0, more: false, names: [] }
  private readonly runtime: Runtime
  private readonly definition: ProviderDefinition
  private readonly stream: FileStream
  private readonly settings: EndpointSettings
  private readonly passes: ReturnType<typeof fileFilter>
  /** Ids of the folders found so far, and whether their contents are listed. */
  private readonly folders = new Map<string, boolean>()

  constructor(runtime: Runtime, definition: ProviderDefinition, stream: FileStream, settings: EndpointSettings) {
    this.runtime = runtime
    this.definition = definition
    this.stream = stream
    this.settings = settings
    this.passes = fileFilter(settings.fileTypes)
  }

  async run(): Promise<void> {
    const context = await this.open()
    this.passed.push('credentials')
    let page = await this.read(context, null)
    this.passed.push('reach')
    for (let pages = 1; pages < mostPages && this.found.files === 0 && page.more; pages += 1) {
      page = await this.read(context, page.next)
    }
    this.found.more = page.more
    this.passed.push('first_page')
  }

  private async open(): Promise<StreamContext> {
    const { runtime, definition, stream, settings } = this
    const { integration } = settings
    if (!integration) {
      throw new PatchbayError('not_connected', `${definition.name} is not connected.`, {
        context: { provider: definition.id },
        hint: 'Connect the account first.',
      })
    }
    const scopes = integration.scope === '' ? [] : integration.scope.split(' ')
    requireScope(stream, { scopes }, definition.name)
    await tokenSource(runtime, definition, integration.id).get()
    return {
      api: apiOf(runtime, definition, integration),
      config: settings.config,
      pageSize,
      unlistedFolders: async (limit) => {
        const unlisted = [...this.folders].filter(([, listed]) => !listed).map(([id]) => id)
        return unlisted.slice(0, limit)
      },
      knownFolders: async (ids) => new Set(ids.filter((id) => this.folders.has(id))),
    }
  }

  private async read(context: StreamContext, cursor: Cursor | null): Promise<Page> {
    const page = await this.stream.fetchPage(context, cursor)
    for (const folder of page.folders) this.folders.set(folder.id, folder.listed)
    for (const id of page.listed) this.folders.set(id, true)

    const folders = page.folders.filter(({ root }) => root !== true)
    this.found.folders += folders.length
    this.found.files += page.files.length
    this.found.matching += page.files.filter(this.passes).length
    const names = [...page.files.map(({ name }) => name), ...folders.map(({ name }) => `${name}/`)]
    this.found.names.push(...names.slice(0, mostNames - this.found.names.length))
    return page
  }
}
