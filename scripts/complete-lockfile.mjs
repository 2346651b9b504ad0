// Adds to package-lock.json the optional packages of other platforms that it lacks. npm leaves out what its registry does not offer,
// and a mirror may offer this platform's binaries only; `npm ci` then refuses the lockfile. Run it after a change of dependencies;
// test/repository.test.ts says when it is needed.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const path = fileURLToPath(new URL('../package-lock.json', import.meta.url))
const lockfile = JSON.parse(readFileSync(path, 'utf8'))
const missing = missingOptionalPackages(lockfile.packages)
for (const { parent, name, version } of missing) {
  lockfile.packages[`${parent}/node_modules/${name}`] = {
    version,
    ...platformOf(name),
    ...(lockfile.packages[parent].dev ? { dev: true } : {}),
    optional: true,
  }
}
lockfile.packages = Object.fromEntries(Object.entries(lockfile.packages).toSorted(([a], [b]) => a.localeCompare(b, 'en')))
writeFileSync(path, `${JSON.stringify(lockfile, null, 2)}\n`)
console.log(`Added ${missing.length} packages to package-lock.json.`)

/**
 * Optional dependencies that a lockfile names and does not have.
 * @param {Record<string, { optionalDependencies?: Record<string, string> }>} packages
 * @returns {{ parent: string, name: string, version: string }[]}
 */
export function missingOptionalPackages(packages) {
  return Object.entries(packages).flatMap(([parent, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !foldersAbove(parent).some((folder) => packages[`${folder}node_modules/${name}`]))
      .map(([name, version]) => ({ parent, name, version })),
  )
}

/** Where Node looks for a dependency of the package at `parent`, each with its trailing slash. */
function foldersAbove(parent) {
  const steps = parent.split(/(?<=^|\/)node_modules\//).slice(1)
  return steps.map((_, index) => steps.slice(0, index + 1).reduce((folder, step) => `${folder}node_modules/${step.replace(/\/$/, '')}/`, '')).concat('')
}

/** Read off the name, the only place where such a package is always described: @deno/linux-arm64-glibc. */
function platformOf(name) {
  const words = name.split(/[/-]/)
  const os = { darwin: 'darwin', linux: 'linux', win32: 'win32', windows: 'win32', freebsd: 'freebsd', android: 'android', openharmony: 'openharmony' }
  const cpu = ['arm64', 'x64', 'ia32', 'arm', 'ppc64', 'riscv64', 's390x']
  const libc = { musl: 'musl', musleabihf: 'musl', gnu: 'glibc', gnueabihf: 'glibc', glibc: 'glibc' }
  const find = (table) => words.flatMap((word) => table[word] ?? []).slice(0, 1)
  const found = { cpu: words.filter((word) => cpu.includes(word)), libc: find(libc), os: find(os) }
  if (found.os.length !== 1 || found.cpu.length !== 1) throw new Error(`${name}: its name does not say for which platform it is`)
  return found.libc.length === 0 ? { cpu: found.cpu, os: found.os } : found
}
