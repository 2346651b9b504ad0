import type { Config } from '../config.ts'
import { PatchbayError } from '../errors.ts'
import type { AddressVariable, ProviderDefinition } from './define.ts'

/**
 * An address of the definition with its `{NAME}`s filled in from environment variables. Throws `config_invalid` when one has a value that
 * the provider does not know.
 */
export function fillAddress(definition: ProviderDefinition, address: string, config: Pick<Config, 'optional'>): string {
  if (!address.includes('{')) return address
  let parts: Record<string, string> = {}
  for (const [name, variable] of Object.entries(definition.variables ?? {})) {
    parts = { ...parts, ...partsOf(name, variable, config.optional(name) ?? variable.default) }
  }
  return address.replaceAll(/\{(\w+)\}/g, (_, name: string) => parts[name] ?? '')
}

function partsOf(name: string, variable: AddressVariable, value: string): Readonly<Record<string, string>> {
  if ('choices' in variable) {
    const chosen = Object.hasOwn(variable.choices, value) ? variable.choices[value] : undefined
    if (chosen) return chosen
    throw invalid(name, `must be one of ${Object.keys(variable.choices).join(', ')}`)
  }
  if (variable.pattern.test(value)) return { [name]: value }
  throw invalid(name, `has a value of another form than ${variable.default}`)
}

function invalid(name: string, why: string): PatchbayError {
  return new PatchbayError('config_invalid', `The environment variable ${name} ${why}.`, { context: { field: name } })
}
