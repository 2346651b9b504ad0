import { templatePlace, violations, type Operation, type Schema } from './operation.ts'

interface EntityType {
  base: string | undefined
  properties: Record<string, string>
}

/** Operations on the types of an OData description (CSDL). Its paths are those of the reference, as the description has types only. */
export class Csdl {
  readonly #types = new Map<string, EntityType>()

  constructor(text: string) {
    for (const [, kind, name = '', attributes = '', body = ''] of text.matchAll(
      /<(EntityType|ComplexType) Name="(\w+)"([^>]*?)(?:\/>|>([^]*?)<\/\1>)/g,
    )) {
      if (kind === undefined) continue
      const properties = [...body.matchAll(/<(?:Navigation)?Property Name="(\w+)" Type="([^"]+)"/g)]
      this.#types.set(name, {
        base: /BaseType="(?:\w+\.)*(\w+)"/.exec(attributes)?.[1],
        properties: Object.fromEntries(properties.map(([, property = '', type = '']) => [property, type])),
      })
    }
  }

  /** GET of one thing, or of a collection of them, with OData's own parameters. */
  get(host: string, path: string, type: string, form: 'one' | 'many'): Operation {
    const known = Object.keys(this.#properties(type))
    const select = { type: 'string', pattern: `^(${known.join('|')})(,(${known.join('|')}))*$` }
    const paging: Schema = { type: 'integer', minimum: 1, maximum: 1000 }
    const one = this.#schema(type)
    const many: Schema = {
      type: 'object',
      required: ['value'],
      properties: { value: { type: 'array', items: one }, '@odata.nextLink': { type: 'string', format: 'uri' } },
      patternProperties: { '^@odata\\.': {} },
      additionalProperties: false,
    }
    const error: Schema = {
      type: 'object',
      required: ['error'],
      properties: {
        error: {
          type: 'object',
          required: ['code', 'message'],
          properties: { code: { type: 'string' }, message: { type: 'string' } },
        },
      },
      additionalProperties: false,
    }
    return {
      method: 'GET',
      place: templatePlace(host, path),
      query: {
        type: 'object',
        properties: { $select: select, $top: paging, $skip: { type: 'integer' }, $skiptoken: { type: 'string' } },
        additionalProperties: false,
      },
      answer: (status, body) => violations(status >= 400 ? error : form === 'one' ? one : many, body),
    }
  }

  #properties(name: string): Record<string, string> {
    const type = this.#types.get(name)
    if (type === undefined) return {}
    // The description is cut down: a base that is not in it is an entity at least.
    const base = type.base !== undefined && !this.#types.has(type.base) ? 'entity' : type.base
    return { ...(base === undefined ? {} : this.#properties(base)), ...type.properties }
  }

  #schema(name: string, depth = 0): Schema {
    if (!this.#types.has(name) || depth > 4) return {}
    const properties = Object.entries(this.#properties(name)).map(([property, type]) => [property, this.#typeSchema(type, depth)])
    return {
      type: 'object',
      properties: Object.fromEntries(properties) as Record<string, Schema>,
      patternProperties: { '@odata\\.': {} },
      additionalProperties: false,
    }
  }

  #typeSchema(type: string, depth: number): Schema {
    const inner = /^Collection\((.+)\)$/.exec(type)?.[1]
    if (inner !== undefined) return { type: 'array', items: this.#typeSchema(inner, depth) }
    switch (type) {
      case 'Edm.String':
      case 'Edm.Guid':
        return { type: ['string', 'null'] }
      case 'Edm.Boolean':
        return { type: ['boolean', 'null'] }
      case 'Edm.Int32':
      case 'Edm.Int64':
        return { type: ['integer', 'null'] }
      case 'Edm.DateTimeOffset':
        return { type: ['string', 'null'], format: 'date-time' }
      default: {
        const schema = this.#schema(type.split('.').at(-1) ?? '', depth + 1)
        return schema.type === undefined ? schema : { anyOf: [schema, { type: 'null' }] }
      }
    }
  }
}
