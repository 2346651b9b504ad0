import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Script } from 'node:vm'
import { Command } from 'commander'
import { camelCase, writeRegistry } from './generate-registry.ts'

const root = join(import.meta.dirname, '..')
const templates = join(import.meta.dirname, 'templates/provider')

const command = new Command('new:provider')
  .description('Begins a provider: a definition that type-checks, and a simulation that passes the suite.')
  .argument('<id>', 'in kebab case, as in URLs, such as two-words')
  .option('--name <name>', "the provider's own name; by default made of the id")
  .parse()

const [id = ''] = command.args
const { name = titleOf(id) } = command.opts<{ name?: string }>()

if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(id) || id.length > 40) {
  command.error(`${JSON.stringify(id)} is no id: give lower-case letters and digits, with single hyphens between, 40 at most.`)
}
if (!isIdentifier(camelCase(id))) command.error(`${id} is no id: JavaScript uses that word itself. Add another to it.`)
if (!/^[\p{L}\p{N}][\p{L}\p{N} .&-]{0,60}$/u.test(name)) {
  command.error(`${JSON.stringify(name)} is no name: give letters, digits, spaces, dots, hyphens and &.`)
}

const targets = {
  'definition.ts.template': `src/shared/providers/${id}/definition.ts`,
  'answers.ts.template': `src/shared/providers/${id}/answers.ts`,
  'sandbox.ts.template': `src/sandbox/${id}/sandbox.ts`,
  'page.md.template': `docs/providers/${id}.md`,
}
const taken = [`src/shared/providers/${id}`, `src/sandbox/${id}`, `docs/providers/${id}.md`].find((path) =>
  existsSync(join(root, path)),
)
if (taken !== undefined) command.error(`There is a provider ${id} already: ${taken} exists. Nothing was changed.`)

const words = { id, name, ENV: id.replaceAll('-', '_').toUpperCase() }
for (const [template, target] of Object.entries(targets)) {
  const path = join(root, target)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, fillIn(readFileSync(join(templates, template), 'utf8'), words))
}
writeRegistry()

console.log(`${name} is in the registry. What to do next:

  1. ${targets['definition.ts.template']}
     Put the provider's facts in, with the page of each. Beside it, answers.ts has what is read of its answers.
  2. ${targets['sandbox.ts.template']}
     Make it answer as the provider does, faults included: what the documentation says, over HTTP.
  3. ${targets['page.md.template']}
     Say how an app is registered, which scopes it needs and why, and what the provider cannot do.
  4. npm test -- test/suites -t ${id}
     The suite passes now, for a provider that does not exist. It has to pass for yours.
  5. npm run check && npm test
     Something to sync is a stream, and its endpoint type goes into a migration: CONTRIBUTING.md.`)

function fillIn(template: string, words: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_, word: string) => words[word] ?? '')
}

/** Parses a declaration, and does not run it. */
function isIdentifier(word: string): boolean {
  try {
    return new Script(`'use strict'; const ${word} = 0, providers = 0`) instanceof Script
  } catch {
    return false
  }
}

function titleOf(id: string): string {
  return id.replaceAll(/(^|-)(\w)/g, (_, hyphen: string, letter: string) => (hyphen && ' ') + letter.toUpperCase())
}
