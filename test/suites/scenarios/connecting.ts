import { expect } from 'vitest'
import { connectApp } from '../../../src/shared/oauth/connect.ts'
import { CompleteAnswer } from '../../../src/shared/oauth/complete.ts'
import type { ProviderDefinition } from '../../../src/shared/providers/define.ts'
import { Browser, landing, locationOf } from '../person.ts'
import type { Scenario } from '../scenario.ts'
import type { Scene } from '../scene.ts'

export const connecting: readonly Scenario[] = [
  {
    name: 'connects the account that was chosen',
    play: async (scene) => {
      const { person, id } = await scene.connected()
      const account = await scene.account()
      expect(await scene.integration(id)).toMatchObject({ status: 'connected', status_reason: null, account_id: account.id })
      expect(await scene.secret(id)).toMatchObject({ version: 1n })
      expect(await scene.events(id)).toEqual(['connected'])
      const known = { status: 'authenticated', hasValidToken: true, reason: null, accountId: account.id, missingScopes: [] }
      expect(await person.ask('status', id)).toMatchObject(known)
      expect(await scene.list(id)).toEqual(expect.any(Array))

      const other = await scene.account(1)
      const second = await person.connect({ account: other.name })
      expect(await scene.integration(second)).toMatchObject({ account_id: other.id })
      expect(await person.integrationIds()).toEqual([second, id])
    },
  },
  {
    name: 'connects when the app hands in the code',
    play: async (scene) => {
      const person = await scene.person()
      const { status, body } = await person.handIn(await person.fetchCode())
      expect(status).toBe(200)
      const { account_id, integration_id } = CompleteAnswer.parse(body)
      expect(account_id).toBe((await scene.account()).id)
      expect(await person.integrationIds()).toEqual([integration_id])
    },
  },
  {
    name: 'the operator can connect the app itself',
    unless: ({ auth }) => (auth.clientCredentials === undefined ? 'only people can connect it' : undefined),
    play: async (scene) => {
      const { id: userId } = await scene.person()
      const { id } = await connectApp(scene.runtime, scene.definition, userId)
      expect(await scene.list(id)).toEqual(expect.any(Array))
      await scene.expire(id)
      expect(await scene.list(id)).toEqual(expect.any(Array))
      expect(await scene.secret(id)).toMatchObject({ version: 2n, refreshable: false })
      expect((await scene.control.tokenStats()).client_credentials).toEqual({ requests: 2, issued: 2 })
    },
  },
  {
    name: 'a user who denies is back in the app, and nothing is connected',
    play: async (scene) => {
      const person = await scene.person()
      const callback = await person.go({ deny: true })
      // Some send the browser back without a word: then nobody knows what it had begun.
      const isNamed = new URL(callback).searchParams.has('state')
      const landed = locationOf(await person.browser.open(callback))
      expect(landed).toBe(landing(scene, 'access_denied'))
      expect(await person.integrationIds()).toEqual([])
      expect(await eventsOf(scene, person.id)).toEqual(isNamed ? ['connect_failed'] : [])
      expect((await scene.control.tokenStats()).authorization_code.requests).toBe(0)
    },
  },
  {
    name: 'a callback works once',
    play: async (scene) => {
      const person = await scene.person()
      const callback = await person.go()
      const cookies = new Map(person.browser.cookies)
      expect(locationOf(await person.browser.open(callback))).toBe(landing(scene, 'connected'))
      const again = new Browser(scene)
      for (const [name, value] of cookies) again.cookies.set(name, value)
      expect(locationOf(await again.open(callback))).toBe(landing(scene, 'state_invalid'))
      const [id] = await person.integrationIds()
      expect(await scene.integration(id!)).toMatchObject({ status: 'connected' })
      expect(await scene.secret(id!)).toMatchObject({ version: 1n })
    },
  },
  {
    name: "another user cannot hand in one's code",
    play: async (scene) => {
      const [pat, eve] = [await scene.person(), await scene.person()]
      const answer = await eve.fetchCode()
      expect(await pat.handIn(answer)).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } })
      // And it is used up.
      expect(await eve.handIn(answer)).toMatchObject({ status: 400, body: { error: { code: 'state_invalid' } } })
      expect([await pat.integrationIds(), await eve.integrationIds()]).toEqual([[], []])
      expect((await scene.control.tokenStats()).authorization_code.requests).toBe(0)
    },
  },
  {
    name: 'another browser cannot finish a connection',
    play: async (scene) => {
      const eve = await scene.person()
      const callback = await eve.go()
      expect(locationOf(await new Browser(scene).open(callback))).toBe(landing(scene, 'browser_mismatch'))
      expect(locationOf(await eve.browser.open(callback))).toBe(landing(scene, 'state_invalid'))
      expect(await eve.integrationIds()).toEqual([])
      expect((await scene.control.tokenStats()).authorization_code.requests).toBe(0)
    },
  },
  {
    name: 'scopes that were not granted are named',
    unless: ({ auth }) => (auth.scopes.length === 0 ? 'it asks for no scopes' : undefined),
    play: async (scene) => {
      const outcomes = new Set<string>()
      for (const scope of refusable(scene.definition)) outcomes.add(await connectWithout(scene, scope))
      if (outcomes.has('unsaid')) return 'its token answer names no scopes'
      // With some of them missing not even the account can be read; with others it works, and it is known what is missing.
      if (scene.definition.auth.scopes.length > 1) expect(outcomes).toContain('named')
    },
  },
]

function refusable({ auth }: ProviderDefinition): string[] {
  return auth.scopes.filter((scope) => !auth.silentScopes?.includes(scope))
}

/**
 * The user unticks one scope: the provider is asked for the others. `named`: connected, and known to be missing. `unsaid`: the token answer
 * says nothing of scopes, which means as requested.
 */
async function connectWithout(scene: Scene, unwanted: string): Promise<'named' | 'refused' | 'unsaid'> {
  const { auth } = scene.definition
  const separator = auth.scopeSeparator ?? ' '
  const person = await scene.person()
  const left = auth.scopes.filter((scope) => scope !== unwanted)
  // Consents of before would count in.
  await scene.control.revokeGrants((await scene.account()).name)
  const landed = await person.tryToConnect(
    left.length === 0 ? { scopes: [] } : { detour: (consentPage) => consentPage.searchParams.set('scope', left.join(separator)) },
  )
  const [id] = await person.integrationIds()
  if (id === undefined) {
    expect(landed).toMatch(/_error=(access_denied|missing_scope|provider_forbidden|provider_unauthorized|provider_rejected)$/)
    return 'refused'
  }
  expect(landed).toBe(landing(scene, 'connected'))
  const answer = (await scene.stage.exchanges.all()).findLast(({ method, answer }) => method === 'POST' && answer !== undefined)
  if (!left.some((scope) => answer?.answer?.body.includes(scope))) return 'unsaid'
  expect(await person.ask('scopes', id)).toMatchObject({ missing: [unwanted] })
  return 'named'
}

async function eventsOf(scene: Scene, userId: string): Promise<string[]> {
  const rows = await scene.stage.sql<{ event: string }[]>`select event from public.audit_log where user_id = ${userId}::uuid`
  return rows.map(({ event }) => event)
}
