import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// Adds to package-lock.json the optional packages of other platforms that it lacks. npm leaves out what its registry does not offer,
// and a mirror may offer this platform's binaries only; `npm ci` then refuses the lockfile. Run it after a change of dependencies:
// test/repository.test.ts says when it is needed.

interface Entry {
  version?: string
  cpu?: string[]
  dev?: boolean
  libc?: string[]
  optional?: boolean
  optionalDependencies?: Record<string, string>
  os?: string[]
}

interface Lockfile {
  packages: Record<string, Entry>
}

interface Missing {
  /** The path of the package that names it. */
  parent: string
  name: string
  version: string
}

const cpus = { arm64: 'arm64', x64: 'x64', ia32: 'ia32', arm: 'arm', ppc64: 'ppc64', riscv64: 'riscv64', s390x: 's390x' }
const libcs = { musl: 'musl', musleabihf: 'musl', gnu: 'glibc', gnueabihf: 'glibc', glibc: 'glibc' }
const systems = {
  android: 'android',
  darwin: 'darwin',
  freebsd: 'freebsd',
  linux: 'linux',
  openharmony: 'openharmony',
  win32: 'win32',
  windows: 'win32',
}

if (import.meta.main) {
  const path = fileURLToPath(new URL('../package-lock.json', import.meta.url))
  const lockfile = JSON.parse(readFileSync(path, 'utf8')) as Lockfile
  const missing = missingOptionalPackages(lockfile)
  const added = Object.fromEntries(
    missing.map(({ parent, name, version }) => [
      `${parent}/node_modules/${name}`,
      newEntry(name, version, lockfile.packages[parent]?.dev),
    ]),
  )
  // As npm sorts them.
  const packages = Object.entries({ ...lockfile.packages, ...added }).toSorted(([a], [b]) => a.localeCompare(b, 'en'))
  writeFileSync(path, `${JSON.stringify({ ...lockfile, packages: Object.fromEntries(packages) }, null, 2)}\n`)
  console.log(`Added ${missing.length} packages to package-lock.json.`)
}

/** Optional dependencies that a lockfile names and does not have. */
export function missingOptionalPackages({ packages }: Lockfile): Missing[] {
  return Object.entries(packages).flatMap(([parent, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !lookupPaths(parent, name).some((path) => packages[path]))
      .map(([name, version]) => ({ parent, name, version })),
  )
}

/** Where Node looks for what the package at `parent` imports. */
function lookupPaths(parent: string, name: string): string[] {
  const enclosing = parent.lastIndexOf('/node_modules/')
  const here = `${parent}/node_modules/${name}`
  return enclosing < 0 ? [here, `node_modules/${name}`] : [here, ...lookupPaths(parent.slice(0, enclosing), name)]
}

/** The platform is read off the name, which always has it: @deno/linux-arm64-glibc. */
function newEntry(name: string, version: string, dev: boolean | undefined): Entry {
  const words = name.split(/[/-]/)
  const known = (values: Record<string, string>) => words.flatMap((word) => values[word] ?? [])
  const [cpu, libc, os] = [known(cpus), known(libcs), known(systems)]
  if (cpu.length !== 1 || os.length !== 1) throw new Error(`${name}: its name does not say which platform it is for`)
  return { version, cpu, ...(dev ? { dev } : {}), ...(libc.length > 0 ? { libc } : {}), optional: true, os }
}
