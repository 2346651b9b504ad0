import { z } from 'zod'
import type { ErrorCode } from '../errors.ts'
import type { Route } from './route.ts'

/** One method of one path, as OpenAPI describes it. */
export interface Operation {
  method: 'get' | 'post'
  /** Below the functions' URL, with `{name}` for what varies. */
  path: string
  summary: string
  auth: 'none' | 'user'
  parameters: readonly Parameter[]
  body?: z.ZodType
  /** What it answers when it worked, by HTTP status. */
  answers: Readonly<Record<number, { description: string; schema?: z.ZodType }>>
  errors: readonly ErrorCode[]
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  schema: z.ZodType
}

/** A part of a path. */
export function pathParameter(name: string): Parameter {
  return { name, in: 'path', required: true, schema: z.string() }
}

/** A route of the function `integrations`. */
export function operationOf({ method, path, summary, input, answer, errors }: Route): Operation {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  return {
    method,
    path: `/integrations${path === '/' ? '' : path.replaceAll(/:(\w+)/g, '{$1}')}`,
    summary,
    auth: 'user',
    parameters: [...names.map(pathParameter), ...(method === 'get' ? queryParameters(input) : [])],
    ...(method === 'post' && { body: input }),
    answers: { 200: { description: 'Done.', schema: answer } },
    errors,
  }
}

function queryParameters(input: z.ZodType): Parameter[] {
  if (!(input instanceof z.ZodObject)) return []
  return Object.entries(input.shape).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !schema.safeParse(undefined).success,
    schema,
  }))
}
