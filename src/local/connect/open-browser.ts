import { spawn } from 'node:child_process'

const openers: Partial<Record<NodeJS.Platform, readonly [command: string, ...args: string[]]>> = {
  darwin: ['open'],
  // The empty argument is the window's title: start takes the first quoted one for it.
  win32: ['cmd', '/c', 'start', ''],
}

/** Opens the address in the person's browser, where there is one. The address is printed as well, so nothing depends on it. */
export function openBrowser(url: string): void {
  const [command, ...args] = openers[process.platform] ?? ['xdg-open']
  const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true })
  child.on('error', () => {})
  child.unref()
}
