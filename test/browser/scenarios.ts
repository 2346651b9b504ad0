import assert from 'node:assert/strict'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { providers } from '../../src/shared/providers/registry.ts'
import type { Flow, Person } from './person.ts'
import type { Stage } from './stage.ts'

/** For what does not depend on the provider. */
const anyProvider = providers[0]?.id ?? ''

/** Connects every provider. Each time the address is clean, the cookie is gone, and a reload does nothing. */
export async function connectAll({ openPerson, app }: Stage, flow: Flow, person?: Person): Promise<void> {
  const pat = person ?? (await openPerson())
  for (const { id } of providers) {
    assert.partialDeepStrictEqual(await pat.connect(id, flow), { provider: id, status: 'authenticated', connected: true })
    assertClean(pat, app.settingsUrl, flow)
    assert.deepEqual(await pat.bindingCookies(), [])

    const before = pat.requested.length
    await pat.page.reload()
    assert.equal(await pat.result(), null)
    const repeated = pat.requested.slice(before).filter((url) => url.includes('/functions/v1/'))
    assert.deepEqual(repeated, [], 'A reload asks for something again.')
  }
}

export async function connectWithoutThirdPartyCookies(stage: Stage): Promise<void> {
  const [pat, sam] = await Promise.all([stage.openPerson('allowed'), stage.openPerson('blocked')])
  assert.equal(await thirdPartyCookie(stage, pat), 'third-party=yes')
  assert.equal(await thirdPartyCookie(stage, sam), '')
  await connectAll(stage, 'server', sam)
}

export async function decline({ openPerson, app, platform }: Stage): Promise<void> {
  const pat = await openPerson()
  const callbacks = { server: `${platform.url}/functions/v1/oauth-callback/`, client: `${app.settingsUrl}?` }
  for (const flow of ['server', 'client'] as const) {
    for (const { id } of providers) {
      const before = pat.requested.length
      const result = await pat.connect(id, flow, 'deny')
      const callback = pat.requested.slice(before).find((url) => url.startsWith(callbacks[flow]))
      assert.ok(callback, 'The provider sent the browser nowhere.')
      // Some send the browser back without a word. Then no more is known than which provider it was, and that by the callback alone.
      const isNamed = new URL(callback).searchParams.has('state')
      if (isNamed || flow === 'server') assert.partialDeepStrictEqual(result, { code: 'access_denied' })
      else assert.equal(result, null)
      if (isNamed) assertClean(pat, app.settingsUrl, flow)
      assert.equal((await pat.status(id)).status, 'not_connected')
    }
  }
}

/** Who types an address sends no Referer. */
export async function refuseTyped({ openPerson }: Stage): Promise<void> {
  const pat = await openPerson()
  const url = await pat.startUrl(anyProvider)
  const tab = await pat.browser.newPage()
  assert.equal((await tab.goto(url))?.status(), 403)
  assert.match(await tab.innerText('body'), /A connection begins on a page of the app/)
  assert.deepEqual(await pat.bindingCookies(), [])
}

export async function refuseElsewhere({ openPerson, app }: Stage): Promise<void> {
  const pat = await openPerson()
  const url = await pat.startUrl(anyProvider)
  const tab = await pat.browser.newPage()
  await tab.goto(app.elsewhereUrl)
  assert.equal(await pat.followLink(tab, url), 403)
  assert.deepEqual(await pat.bindingCookies(), [])

  // It was the page that was refused: the ticket is still good.
  assert.equal(await pat.followLink(pat.page, url), 303)
  assert.equal((await pat.bindingCookies()).length, 1)
  await pat.decide('allow')
  assert.partialDeepStrictEqual(await pat.result(), { provider: anyProvider, connected: true })
}

export async function refuseTwice({ openPerson, app }: Stage): Promise<void> {
  const pat = await openPerson()
  const url = await pat.startUrl(anyProvider)
  await pat.followLink(pat.page, url)
  await pat.page.waitForSelector('[name=decision]')
  await pat.page.goto(app.settingsUrl)
  assert.equal(await pat.result(), null)
  await pat.followLink(pat.page, url)
  assert.partialDeepStrictEqual(await pat.result(), { code: 'state_invalid' })
}

export async function refuseOtherBrowser({ openPerson }: Stage): Promise<void> {
  const [pat, sam] = await Promise.all([openPerson(), openPerson()])
  await pat.followLink(pat.page, await pat.startUrl(anyProvider))
  const callback = await pat.withholdCallback()

  await sam.page.goto(callback)
  assert.partialDeepStrictEqual(await sam.result(), { code: 'browser_mismatch' })
  // Its state is used up, in the browser that began as well.
  await pat.page.goto(callback)
  assert.partialDeepStrictEqual(await pat.result(), { code: 'state_invalid' })
  for (const person of [pat, sam]) assert.equal((await person.status(anyProvider)).status, 'not_connected')
}

/** Looks for all secrets that there have been in all that is left, of everybody. */
export async function findNothing({ people, sandbox }: Stage): Promise<void> {
  const { control } = sandboxClient(sandbox.url)
  const tokens = (await Promise.all(providers.map(({ id }) => control(id).tokens()))).flat()
  const states = people.flatMap((person) => valuesOf(person, ['state']))
  const others = [...tokens, ...people.flatMap((person) => valuesOf(person, ['code', 'ticket']))]
  for (const secrets of [tokens, states, others]) assert.ok(secrets.length > providers.length)

  for (const person of people) {
    for (const [place, text] of Object.entries(await person.remains())) {
      // What it was asked for is the provider's own to keep, in the address of its page.
      const secrets = place === "provider's history" ? others : [...others, ...states]
      const found = [...new Set(secrets)].filter((secret) => text.includes(secret))
      assert.deepEqual(found, [], `The ${place} has ${found.join(', ')}:\n${text}`)
    }
  }
}

const answerParameters = ['code', 'state', 'iss', 'scope', 'error', 'error_description', 'error_uri']

/** What the page had in its address is there, and nothing of the connection is. */
function assertClean({ page }: Person, settingsUrl: string, flow: Flow): void {
  if (flow === 'server') return assert.equal(page.url(), `${settingsUrl}?tab=2`)
  // What a provider adds to its answer beyond OAuth is left to the app.
  const { searchParams } = new URL(page.url())
  assert.equal(searchParams.get('tab'), '2')
  const left = answerParameters.filter((name) => searchParams.has(name))
  assert.deepEqual(left, [], `They are left in ${page.url()}.`)
}

/** What parameters of these names have been, in all addresses that the browser has asked for. */
function valuesOf({ requested }: Person, names: readonly string[]): string[] {
  return requested.flatMap((url) => names.flatMap((name) => new URL(url).searchParams.getAll(name)))
}

/** What another site gets to see of the cookie that it has just set. */
async function thirdPartyCookie({ app: { thirdPartyUrl } }: Stage, { page }: Person): Promise<string> {
  const ask = `fetch('${thirdPartyUrl}', { credentials: 'include' }).then((answer) => answer.text())`
  await page.evaluate(ask)
  return page.evaluate<string>(ask)
}
