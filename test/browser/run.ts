import assert from 'node:assert/strict'
import { sandboxClient } from '../../src/sandbox/client.ts'
import { providers } from '../../src/shared/providers/registry.ts'
import { missingPackages } from './chromium.ts'
import type { Person } from './person.ts'
import { openStage, type Stage } from './stage.ts'

// What only a browser can show: that its cookies, its Referer and its history do what the connection flow takes for granted. The app is of
// another site than the project, and so is the provider; all are on http, which browsers trust on this machine only.

const missing = missingPackages()
if (missing.length > 0) {
  console.log(`This needs Debian's Chromium. As root: apt-get install ${missing.join(' ')}`)
  process.exit(1)
}

const [provider] = providers
let passed = 0
let failed = 0
await using stage = await openStage()
await check('every provider is connected, server-driven', () => connectAll(stage, 'server'))
await check('every provider is connected, client-driven', () => connectAll(stage, 'client'))
await check('every provider is connected without third-party cookies', () => connectWithoutThirdPartyCookies(stage))
await check('who declines is told so, and stays signed in', () => decline(stage))
await check('a start URL is refused that was typed in', () => refuseTyped(stage))
await check('a start URL is refused on a page of another origin', () => refuseElsewhere(stage))
await check('a start URL is refused the second time', () => refuseTwice(stage))
await check('a callback URL is refused in another browser', () => refuseOtherBrowser(stage))
await check('no token, code, state or ticket is left in any browser', () => findNothing(stage))
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

async function check(sentence: string, work: () => Promise<unknown>): Promise<void> {
  const start = performance.now()
  const failure = await work().then(() => undefined, describeFailure)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${failure === undefined ? 'ok    ' : 'FAILED'}  ${sentence}  (${seconds} s)`)
  if (failure === undefined) passed += 1
  else failed += 1
  if (failure !== undefined) console.log(`\n${failure.trimEnd()}\n`)
}

function describeFailure(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function connectAll({ openPerson, app }: Stage, flow: 'server' | 'client', person?: Person): Promise<void> {
  const pat = person ?? (await openPerson())
  for (const { id } of providers) {
    assert.partialDeepStrictEqual(await pat.connect(id, flow), { provider: id, status: 'authenticated', connected: true })
    assert.equal(pat.page.url(), `${app.settingsUrl}?tab=2`)
    const before = pat.requested.length
    await pat.page.reload()
    assert.equal(await pat.result(), null)
    assert.deepEqual(callsOf(pat.requested.slice(before)), [], 'A reload repeats something.')
  }
}

async function connectWithoutThirdPartyCookies(stage: Stage): Promise<void> {
  const [pat] = stage.people
  assert.ok(pat)
  assert.equal(await thirdPartyCookie(stage, pat), 'third-party=yes')
  const sam = await stage.openPerson('blocked')
  assert.equal(await thirdPartyCookie(stage, sam), '')
  await connectAll(stage, 'server', sam)
}

async function decline({ openPerson, app }: Stage): Promise<void> {
  const pat = await openPerson()
  for (const flow of ['server', 'client'] as const) {
    assert.partialDeepStrictEqual(await pat.connect(provider.id, flow, 'deny'), { code: 'access_denied' })
    assert.equal(pat.page.url(), `${app.settingsUrl}?tab=2`)
    assert.equal((await pat.status(provider.id)).status, 'not_connected')
  }
}

async function refuseTyped({ openPerson }: Stage): Promise<void> {
  const pat = await openPerson()
  const url = await pat.startUrl(provider.id)
  const tab = await pat.browser.newPage()
  const answer = await tab.goto(url)
  assert.equal(answer?.status(), 403)
  assert.match(await tab.innerText('body'), /A connection begins on a page of the app/)
  assert.deepEqual(await bindingCookies(pat), [])
}

async function refuseElsewhere({ openPerson, app }: Stage): Promise<void> {
  const pat = await openPerson()
  const url = await pat.startUrl(provider.id)
  const tab = await pat.browser.newPage()
  await tab.goto(app.elsewhereUrl)
  const answered = tab.waitForResponse(url)
  await pat.followLink(tab, url)
  assert.equal((await answered).status(), 403)
  assert.deepEqual(await bindingCookies(pat), [])

  // It was the page that was refused: the ticket is still good.
  await pat.followLink(pat.page, url)
  await pat.decide('allow')
  assert.partialDeepStrictEqual(await pat.result(), { provider: provider.id, connected: true })
}

async function refuseTwice({ openPerson, app }: Stage): Promise<void> {
  const pat = await openPerson()
  const url = await pat.startUrl(provider.id)
  await pat.followLink(pat.page, url)
  await pat.page.waitForSelector('[name=decision]')
  await pat.page.goto(app.settingsUrl)
  assert.equal(await pat.result(), null)
  await pat.followLink(pat.page, url)
  await pat.page.waitForURL(/_error=|[?]$/)
  assert.partialDeepStrictEqual(await pat.result(), { code: 'state_invalid' })
}

async function refuseOtherBrowser({ openPerson }: Stage): Promise<void> {
  const [pat, sam] = [await openPerson(), await openPerson()]
  await pat.page.click(`[data-provider=${provider.id}][data-flow=server]`)
  const callback = await pat.withholdCallback()

  await sam.page.goto(callback)
  assert.partialDeepStrictEqual(await sam.result(), { code: 'browser_mismatch' })
  // Its state is used up, in the browser that began as well.
  await pat.page.goto(callback)
  assert.partialDeepStrictEqual(await pat.result(), { code: 'state_invalid' })
  for (const person of [pat, sam]) assert.equal((await person.status(provider.id)).status, 'not_connected')
}

async function findNothing({ people, sandbox }: Stage): Promise<void> {
  const { control } = sandboxClient(sandbox.url)
  const tokens = (await Promise.all(providers.map(({ id }) => control(id).tokens()))).flat()
  assert.ok(tokens.length >= 3 * providers.length, `There are only ${tokens.length} tokens to look for.`)
  for (const person of people) {
    const [states, others] = [valuesOf(person, ['state']), [...tokens, ...valuesOf(person, ['code', 'ticket'])]]
    for (const [place, text] of Object.entries(await person.remains())) {
      // What it was asked for is the provider's own to keep in its page's address.
      const secrets = place === "provider's history" ? others : [...others, ...states]
      const found = secrets.filter((secret) => text.includes(secret))
      assert.deepEqual(found, [], `The ${place} has it:\n${text}`)
    }
    assert.deepEqual(await bindingCookies(person), [])
  }
}

/** What parameters of these names have been, in all addresses that the browser has asked for. */
function valuesOf({ requested }: Person, names: readonly string[]): string[] {
  return requested.flatMap((url) => names.flatMap((name) => new URL(url).searchParams.getAll(name)))
}

/** What has been asked of Edge Functions. */
function callsOf(requested: readonly string[]): string[] {
  return requested.filter((url) => url.includes('/functions/v1/'))
}

/** The names of the cookies that bind a connection to the browser. */
async function bindingCookies({ browser }: Person): Promise<string[]> {
  return (await browser.cookies()).map(({ name }) => name).filter((name) => name.startsWith('__Host-'))
}

/** What another site gets to see of the cookie that it has just set. */
async function thirdPartyCookie({ app: { thirdPartyUrl } }: Stage, { page }: Person): Promise<string> {
  const ask = `fetch('${thirdPartyUrl}', { credentials: 'include' }).then((answer) => answer.text())`
  await page.evaluate(ask)
  return page.evaluate<string>(ask)
}
