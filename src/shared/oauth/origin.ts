import { z } from 'zod'

/** Who is behind a change of an integration, as `public.audit_log` keeps it. */
export interface Origin {
  actor: 'user' | 'operator' | 'system'
  /** The function, command or job that it comes through. */
  source: string
  ip?: string
  user_agent?: string
}

/** The origin of a request by a user, or by the user's browser, to the Edge Function `source`. */
export function originOf(request: Request, source: string): Origin {
  const ip = clientAddress(request)
  const userAgent = request.headers.get('user-agent')
  return {
    actor: 'user',
    source,
    ...(ip !== undefined && { ip }),
    ...(userAgent !== null && { user_agent: userAgent }),
  }
}

const Address = z.union([z.ipv4(), z.ipv6()])

/**
 * The caller's address, or undefined. Hosted projects are behind Cloudflare, which overwrites `CF-Connecting-IP`. Elsewhere each proxy adds
 * the address it sees at the end of `X-Forwarded-For`; what stands before is the caller's own claim.
 */
export function clientAddress({ headers }: Request): string | undefined {
  const seen = headers.get('cf-connecting-ip') ?? headers.get('x-forwarded-for')?.split(',').at(-1)?.trim()
  // Some proxies add the port: 203.0.113.7:4711, [2001:db8::1]:4711.
  const address = seen?.replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1').replace(/^\[(.+)\](?::\d+)?$/, '$1')
  return Address.safeParse(address).data
}
