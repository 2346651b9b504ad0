import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BrowserContext, chromium } from 'playwright-core'

const executablePath = '/usr/bin/chromium'

/** Debian packages that are not installed. */
export function missingPackages(): string[] {
  return existsSync(executablePath) ? [] : ['chromium']
}

export type ThirdPartyCookies = 'allowed' | 'blocked'

/**
 * Debian's Chromium on a profile of its own in the empty folder `dir`, as a person has it: what Playwright calls a context is incognito,
 * where Chromium blocks third-party cookies whatever the settings say. Reaches this machine only.
 */
export async function startChromium(dir: string, thirdPartyCookies: ThirdPartyCookies): Promise<BrowserContext> {
  const blocked = thirdPartyCookies === 'blocked'
  const preferences = { profile: { cookie_controls_mode: blocked ? 1 : 0, block_third_party_cookies: blocked } }
  await mkdir(join(dir, 'Default'), { recursive: true })
  await writeFile(join(dir, 'Default/Preferences'), JSON.stringify(preferences))
  const context = await chromium.launchPersistentContext(dir, { executablePath, args, chromiumSandbox: false })
  context.setDefaultTimeout(15_000)
  return context
}

// Beside Playwright's own: nothing is fetched in the background, and no name is looked up.
const args = [
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
  '--no-proxy-server',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
]
