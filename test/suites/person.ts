import { z } from 'zod'
import { approveConsent, type ConsentChoice } from '../../src/sandbox/consent.ts'
import { answerRequest, type Endpoint } from '../../src/shared/endpoint.ts'
import { handleIntegrations } from '../../src/shared/api/integrations.ts'
import { handleAuthorize } from '../../src/shared/oauth/authorize.ts'
import { handleCallback } from '../../src/shared/oauth/callback.ts'
import { handleStart } from '../../src/shared/oauth/start.ts'
import { addUser } from '../db/rows.ts'
import type { Scene } from './scene.ts'

/** The app's page, where users begin and end. */
export const app = 'http://localhost:3000/settings'

/** The app's page that takes the code, in the client-driven form. */
const clientPage = `${app}/callback`

/** As supabase/functions binds them. */
const functions: Record<string, Endpoint> = {
  'oauth-authorize': { auth: 'user', handle: handleAuthorize },
  'oauth-start': { auth: 'none', handle: handleStart },
  'oauth-callback': { auth: 'none', handle: handleCallback },
  integrations: { auth: 'none', handle: handleIntegrations },
}

/** What a user does between the app's button and the provider's answer. */
interface Going extends ConsentChoice {
  /** Connects this integration anew. */
  integrationId?: string
  /** Changes the address of the consent page before it is opened. */
  detour?: (consentPage: URL) => void
}

/** A user of the app with a browser. */
export class Person {
  readonly id: string
  readonly browser: Browser
  readonly #scene: Scene
  readonly #jwt: string

  static async signUp(scene: Scene): Promise<Person> {
    const id = await addUser(scene.stage.sql)
    return new Person(scene, id, await scene.stage.auth.signIn(id))
  }

  private constructor(scene: Scene, id: string, jwt: string) {
    this.#scene = scene
    this.id = id
    this.#jwt = jwt
    this.browser = new Browser(scene)
  }

  /** Goes as far as the provider's answer. Gives the address that the browser is sent back to. */
  async go({ integrationId, detour, ...choice }: Going = {}): Promise<string> {
    const begun = await (integrationId === undefined
      ? this.#authorize({ redirect_to: app })
      : this.#post(this.#route('reconnect'), { redirect_to: app, integration_id: integrationId }))
    const { url } = z.object({ url: z.string() }).parse(await begun.json())
    const consentPage = new URL(locationOf(await this.browser.open(url, app)))
    detour?.(consentPage)
    return this.#consent(consentPage.href, choice)
  }

  /** The whole way in the server-driven form. Gives the address of the app where it ends. */
  async tryToConnect(going: Going = {}): Promise<string> {
    return locationOf(await this.browser.open(await this.go(going)))
  }

  /** As `tryToConnect`, which must succeed. Gives the integration's id. */
  async connect(going: Going = {}): Promise<string> {
    const landed = await this.tryToConnect(going)
    const [newest] = await this.integrationIds()
    if (landed !== landing(this.#scene, 'connected') || newest === undefined) throw new Error(`Nothing was connected: ${landed}`)
    return going.integrationId ?? newest
  }

  /** Goes as far as the app's own page, in the client-driven form. */
  async fetchCode(): Promise<{ code: string; state: string }> {
    const answer = await this.#authorize({ flow: 'client', redirect_uri: clientPage })
    const { auth_url } = z.object({ auth_url: z.string(), state: z.string() }).parse(await answer.json())
    const { searchParams } = new URL(await this.#consent(auth_url, {}))
    return { code: searchParams.get('code') ?? '', state: searchParams.get('state') ?? '' }
  }

  /** Hands in a code, in the client-driven form. */
  async handIn(answer: { code: string; state: string }): Promise<{ status: number; body: unknown }> {
    const response = await this.#post('oauth-callback', answer)
    return { status: response.status, body: await response.json() }
  }

  /** Asks `integrations/<provider>/<route>` about one integration. The answer must be a good one. */
  async ask(route: 'status' | 'scopes', integrationId: string): Promise<unknown> {
    return readGood(await this.#get(`${this.#route(route)}?integration_id=${integrationId}`))
  }

  /** Has something done: `integrations/<provider>/<route>`, for one integration. The answer must be a good one. */
  async order(route: 'refresh' | 'disconnect', integrationId: string): Promise<unknown> {
    return readGood(await this.#post(this.#route(route), { integration_id: integrationId }))
  }

  /** Newest first. */
  async integrationIds(): Promise<string[]> {
    const rows = await this.#scene.stage.sql<{ id: string }[]>`
      select id from public.integrations where user_id = ${this.id}::uuid and connected_at is not null
      order by connected_at desc`
    return rows.map(({ id }) => id)
  }

  #authorize(body: object): Promise<Response> {
    return this.#post('oauth-authorize', { provider: this.#scene.definition.id, ...body })
  }

  #route(name: string): string {
    return `integrations/${this.#scene.definition.id}/${name}`
  }

  #get(path: string): Promise<Response> {
    return callFunction(this.#scene, path, { headers: { authorization: `Bearer ${this.#jwt}` } })
  }

  #post(path: string, body: object): Promise<Response> {
    const headers = { authorization: `Bearer ${this.#jwt}`, 'content-type': 'application/json' }
    return callFunction(this.#scene, path, { method: 'POST', headers, body: JSON.stringify(body) })
  }

  #consent(consentPage: string, choice: ConsentChoice): Promise<string> {
    this.#scene.stage.exchanges.addVisit(consentPage, this.#scene.env['CONNECTOR_SANDBOX_URL'] ?? '')
    return approveConsent(consentPage, choice)
  }
}

/** A browser with its cookies. */
export class Browser {
  readonly cookies = new Map<string, string>()
  readonly #scene: Scene

  constructor(scene: Scene) {
    this.#scene = scene
  }

  /** Opens an address of our functions, by a link on the page `from`. */
  async open(url: string, from?: string): Promise<Response> {
    const [, path = ''] = url.split('/functions/v1/')
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await callFunction(this.#scene, path, { headers: { cookie, ...(from !== undefined && { referer: from }) } })
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      this.cookies.set(name, value)
    }
    return response
  }
}

async function readGood(response: Response): Promise<unknown> {
  if (response.status === 200) return response.json()
  throw new Error(`Status ${response.status}: ${await response.text()}`)
}

/** Where the app learns how it went. */
export function landing({ definition: { id } }: Scene, result: 'connected' | (string & {})): string {
  return result === 'connected' ? `${app}?${id}_connected=true` : `${app}?${id}_error=${result}`
}

export function locationOf(response: Response): string {
  return response.headers.get('location') ?? `no location, but status ${response.status}`
}

async function callFunction({ stage, runtime }: Scene, path: string, init: RequestInit): Promise<Response> {
  const endpoint = functions[path.split(/[/?]/)[0] ?? '']
  if (endpoint === undefined) throw new Error(`There is no function behind ${path}.`)
  // The platform takes its own part of the path away.
  const request = new Request(`${runtime.config.supabaseUrl}/${path}`, init)
  const response = await answerRequest(endpoint, request, {
    openRuntime: () => runtime,
    log: runtime.log,
    inBackground: () => {},
  })
  stage.said.push(locationOf(response), await response.clone().text())
  return response
}
