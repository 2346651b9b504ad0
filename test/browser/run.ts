import { Checks } from '../support/checks.ts'
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

const checks = new Checks()
await using stage = await openStage()
// Each has people of its own. The first has the functions started for all others.
await checks.check('server-driven, every provider is connected', () => scenarios.connectAll(stage, 'server'))
await Promise.all([
  (async () => {
    await checks.check('client-driven, every provider is connected', () => scenarios.connectAll(stage, 'client'))
    await checks.check('no third-party cookie is needed', () => scenarios.connectWithoutThirdPartyCookies(stage))
  })(),
  (async () => {
    await checks.check('who declines is told so, and stays signed in', () => scenarios.decline(stage))
    await checks.check('a start URL that is typed in is refused', () => scenarios.refuseTyped(stage))
    await checks.check('a start URL on a page of another origin is refused', () => scenarios.refuseElsewhere(stage))
    await checks.check('a start URL works once', () => scenarios.refuseTwice(stage))
    await checks.check('a callback URL in another browser is refused', () => scenarios.refuseOtherBrowser(stage))
  })(),
])
await checks.check('no token, code, state or ticket is left in any browser', () => scenarios.findNothing(stage))
checks.end()
