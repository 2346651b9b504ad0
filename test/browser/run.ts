import { missingPackages } from './chromium.ts'
import * as scenarios from './scenarios.ts'
import { openStage } from './stage.ts'

// What only a browser can show: that its cookies, its Referer and its history do what the connection flow takes for granted. The app is of
// another site than the project, and so is the provider; all are on http, which browsers trust on this machine only.

const missing = missingPackages()
if (missing.length > 0) {
  console.log(`This needs Debian's Chromium. As root: apt-get install ${missing.join(' ')}`)
  process.exit(1)
}

let passed = 0
let failed = 0
await using stage = await openStage()
// Each has people of its own. The first has the functions started for all others.
await check('server-driven, every provider is connected', () => scenarios.connectAll(stage, 'server'))
await Promise.all([
  (async () => {
    await check('client-driven, every provider is connected', () => scenarios.connectAll(stage, 'client'))
    await check('no third-party cookie is needed', () => scenarios.connectWithoutThirdPartyCookies(stage))
  })(),
  (async () => {
    await check('who declines is told so, and stays signed in', () => scenarios.decline(stage))
    await check('a start URL that is typed in is refused', () => scenarios.refuseTyped(stage))
    await check('a start URL on a page of another origin is refused', () => scenarios.refuseElsewhere(stage))
    await check('a start URL works once', () => scenarios.refuseTwice(stage))
    await check('a callback URL in another browser is refused', () => scenarios.refuseOtherBrowser(stage))
  })(),
])
await check('no token, code, state or ticket is left in any browser', () => scenarios.findNothing(stage))
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
