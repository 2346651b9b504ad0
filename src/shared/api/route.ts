import { z } from 'zod'
import type { ErrorCode } from '../errors.ts'
import type { User } from '../oauth/authenticate.ts'
import { readBody, readQuery } from '../oauth/request.ts'
import { jsonResponse } from '../responses.ts'
import type { Runtime } from '../runtime.ts'

/** A request to a route, by a signed-in user. */
export interface Call {
  request: Request
  runtime: Runtime
  user: User
  /** A part of the path, by its name; decoded. */
  part: (name: string) => string
}

/** What the description of a route says, and what its handler is held to. */
interface RouteFacts<Input extends z.ZodType, Answer extends z.ZodType> {
  method: 'get' | 'post'
  /** Below the function's name; `:name` is a part that varies. */
  path: string
  summary: string
  /** The query of a GET, the JSON body of a POST. */
  input: Input
  answer: Answer
  /** Beside those that every route can answer with. */
  errors: readonly ErrorCode[]
  /** What a call takes of the user's minute. */
  points: number
}

export interface Route extends RouteFacts<z.ZodType, z.ZodType> {
  respond: (call: Call) => Promise<Response>
}

/** A route whose handler gets the parsed input and gives what `answer` says. */
export function route<Input extends z.ZodType, Answer extends z.ZodType>(
  facts: Omit<RouteFacts<Input, Answer>, 'points'> & {
    points?: number
    handle: (call: Call, input: z.output<Input>) => Promise<z.input<Answer>>
  },
): Route {
  const { handle, ...rest } = facts
  const read = async ({ request }: Call): Promise<z.output<Input>> =>
    facts.method === 'get' ? readQuery(request, facts.input) : readBody(request, facts.input)
  return { points: 1, ...rest, respond: async (call) => jsonResponse(await handle(call, await read(call))) }
}
