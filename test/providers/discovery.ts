import { z } from 'zod'

/** As much of a Google discovery document as a request can be checked against. */
export const Discovery = z.object({
  resources: z.record(
    z.string(),
    z.object({
      methods: z.record(
        z.string(),
        z.object({
          path: z.string(),
          httpMethod: z.string(),
          parameters: z.record(z.string(), z.unknown()).default({}),
          response: z.object({ $ref: z.string() }).default({ $ref: '' }),
        }),
      ),
    }),
  ),
  schemas: z.record(z.string(), z.object({ properties: z.record(z.string(), z.unknown()).default({}) })),
})

/** The names of a `fields` mask that the schema does not have, such as `files(nmae)`. */
export function unknownFields(mask: string, schema: string, schemas: z.infer<typeof Discovery>['schemas']): string[] {
  const Property = z.object({
    $ref: z.string().optional(),
    items: z.object({ $ref: z.string().optional() }).optional(),
    properties: z.record(z.string(), z.unknown()).optional(),
  })
  const unknown: string[] = []
  const stack: Record<string, unknown>[] = [schemas[schema]?.properties ?? {}]
  let inner: Record<string, unknown> = {}
  for (const [token] of mask.matchAll(/[A-Za-z0-9]+|[()]/g)) {
    if (token === '(') stack.push(inner)
    else if (token === ')') stack.pop()
    else {
      const property = stack.at(-1)?.[token]
      if (property === undefined) unknown.push(token)
      const { $ref, items, properties } = Property.parse(property ?? {})
      inner = properties ?? schemas[$ref ?? items?.$ref ?? '']?.properties ?? {}
    }
  }
  return unknown
}
