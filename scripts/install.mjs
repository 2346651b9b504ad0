// Brings node_modules in line with package-lock.json; does nothing when it is. Runs before `npm start` and `npm test` with whatever
// Node the machine has (18 or newer), so it needs no package and no TypeScript.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const projectDir = fileURLToPath(new URL('..', import.meta.url))

const reason = reasonToInstall()
if (reason !== undefined) {
  console.log(`Installing packages, because ${reason}. This takes about half a minute.`)
  process.exitCode = install()
}

/** @returns {string | undefined} */
function reasonToInstall() {
  const wanted = readPackages('package-lock.json')
  const installed = readPackages('node_modules/.package-lock.json')
  if (wanted === undefined) throw new Error('package-lock.json is missing: restore it with git checkout package-lock.json')
  if (installed === undefined) return 'node_modules is absent or was left half-made'
  const outdated = Object.entries(wanted).find(([path, { version, optional }]) => {
    // Optional: binaries of other platforms, which npm leaves out.
    if (path === '' || (optional && installed[path] === undefined)) return false
    return installed[path]?.version !== version
  })
  return outdated && `${outdated[0].replace('node_modules/', '')} in node_modules is not the one in package-lock.json`
}

/** @returns {Record<string, { version?: string, optional?: boolean }> | undefined} */
function readPackages(path) {
  try {
    return JSON.parse(readFileSync(`${projectDir}/${path}`, 'utf8')).packages
  } catch {
    return undefined
  }
}

function install() {
  // The machine's own Node: the one in node_modules is about to be replaced.
  const node = process.env.npm_node_execpath ?? process.execPath
  // An older Node on the machine is fine, as the scripts run on the one from npm: no word about engines.
  const args = ['ci', '--loglevel=error', '--no-audit', '--no-fund']
  const npm = process.env.npm_execpath
  const options = { cwd: projectDir, stdio: 'inherit' }
  const { status, error } = npm
    ? spawnSync(node, [npm, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
  if (status !== 0)
    console.error(`npm ci failed${error ? `: ${error.message}` : ''}. Once that is mended, run the same command again.`)
  return status ?? 1
}
