import { hash } from 'node:crypto'
import { z } from 'zod'
import { invalidValue } from '../api-error.ts'

const PageToken = z.tuple([z.string(), z.number().int(), z.number().int()])

/** Where a list goes on. */
export interface ListPosition {
  /** 0 for lists in the order of creation; else the number of the sorted list. */
  sorted: number
  /** In the order of creation: the `seq` of the last item. In a sorted list: the index of the last item. */
  after: number
}

/** An opaque token that is good for the same list only: `list` is everything that decides what is in it. */
export function writePageToken(list: string, { sorted, after }: ListPosition): string {
  return `~!!~${Buffer.from(JSON.stringify([fingerprint(list), sorted, after])).toString('base64url')}`
}

/** Throws ApiError for a token that was not made for this list. */
export function readPageToken(list: string, token: string): ListPosition {
  const [made, sorted, after] = decode(token)
  if (made !== fingerprint(list)) throw invalidValue('pageToken')
  return { sorted, after }
}

function decode(token: string): z.output<typeof PageToken> {
  try {
    return PageToken.parse(JSON.parse(Buffer.from(token.replace(/^~!!~/, ''), 'base64url').toString()))
  } catch {
    throw invalidValue('pageToken')
  }
}

function fingerprint(list: string): string {
  return hash('sha256', list, 'base64url').slice(0, 16)
}
