import { SignJWT, importPKCS8 } from 'jose'
import { z } from 'zod'
import { PatchbayError } from '../errors.ts'
import type { ProviderDefinition } from '../providers/define.ts'
import type { Runtime } from '../runtime.ts'

/** The key file of a service account, as the consoles of providers that have them make it. */
const KeyFile = z.object({
  type: z.literal('service_account'),
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  private_key_id: z.string().min(1),
})

/** What is usually allowed at most; in seconds. */
const assertionLifetime = 3600

/**
 * A signed assertion for the provider's token endpoint (RFC 7523 §3). Throws `config_invalid` when there is no usable key file; no
 * error has a cause, because a parser's message quotes what it could not parse.
 */
export async function signAssertion(
  runtime: Runtime,
  { name, auth }: ProviderDefinition,
): Promise<{ assertion: string; clientId: string }> {
  if (!auth.serviceAccount) throw new PatchbayError('config_invalid', `${name} takes no service accounts.`)
  const { env } = auth.serviceAccount
  const file = readKeyFile(env, runtime.config.secret(env))
  const key = await importPKCS8(file.private_key, 'RS256').catch(() => {
    throw unusable(env, 'private_key is not a PKCS #8 key in PEM form')
  })
  const issuedAt = Math.floor(runtime.now() / 1000)
  const assertion = await new SignJWT({ scope: auth.scopes.join(' ') })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: file.private_key_id })
    .setIssuer(file.client_email)
    .setAudience(auth.tokenUrl)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + assertionLifetime)
    .sign(key)
  return { assertion, clientId: file.client_email }
}

function readKeyFile(env: string, text: string): z.infer<typeof KeyFile> {
  try {
    return KeyFile.parse(JSON.parse(text))
  } catch {
    throw unusable(env, 'it is not the JSON key of a service account')
  }
}

function unusable(env: string, why: string): PatchbayError {
  return new PatchbayError('config_invalid', `${env} cannot be used: ${why}.`, {
    context: { field: env },
    hint: "Download a new JSON key for the service account and set the variable to the file's content.",
  })
}
