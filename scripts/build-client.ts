import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { contractSource } from './client-contract.ts'

const root = join(import.meta.dirname, '..')
const source = join(root, 'src/client')

/**
 * Makes the npm package `@patchbay/client` in a folder: JavaScript and declarations that need nothing of this repository, for the providers
 * of its registry. What is in the folder goes. Throws when it does not compile.
 */
export function buildClient(target: string): void {
  const stage = mkdtempSync(join(tmpdir(), 'patchbay-client-'))
  try {
    for (const name of readdirSync(source).filter((name) => name.endsWith('.ts'))) {
      const text = name === 'contract.ts' ? contractSource() : readFileSync(join(source, name), 'utf8')
      writeFileSync(join(stage, name), asPublished(text))
    }
    symlinkSync(join(root, 'node_modules'), join(stage, 'node_modules'))
    rmSync(target, { recursive: true, force: true })
    mkdirSync(target, { recursive: true })
    compile(stage, target)
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
  copyFileSync(join(source, 'package.json'), join(target, 'package.json'))
  copyFileSync(join(root, 'docs/client.md'), join(target, 'README.md'))
  copyFileSync(join(root, 'LICENSE'), join(target, 'LICENSE'))
}

/** Declarations keep a specifier as it is, and there are no .ts files in the package. */
function asPublished(text: string): string {
  return text.replaceAll(/(from '\.\/[\w-]+)\.ts'/g, "$1.js'")
}

function compile(stage: string, target: string): void {
  const options = {
    target: 'ES2022',
    lib: ['ES2022', 'DOM'],
    types: [],
    module: 'ESNext',
    moduleResolution: 'bundler',
    strict: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
    declaration: true,
    outDir: target,
    rootDir: stage,
  }
  writeFileSync(join(stage, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', stage], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`The client does not compile:\n${stdout}`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const target = resolve(process.argv[2] ?? join(root, 'dist/client'))
  buildClient(target)
  console.log(`@patchbay/client is in ${target}: npm publish it, or npm install it from there.`)
}
