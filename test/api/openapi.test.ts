import { randomUUID } from 'node:crypto'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { routes } from '../../src/shared/api/routes.ts'
import { errorCodes } from '../../src/shared/errors.ts'
import { addEndpoint } from '../db/rows.ts'
import { app, startTestApi, type Answer, type CallOptions, type TestApi, type TestUser } from './support.ts'

interface Operation {
  security: unknown[]
  parameters?: { name: string; in: string; required: boolean }[]
  responses: Record<string, { description: string }>
}

let api: TestApi
let pat: TestUser
let document: { openapi: string; servers: { url: string }[]; paths: Record<string, Record<string, Operation>> }
const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }))

beforeAll(async () => {
  api = await startTestApi()
  pat = await api.signUp()
  document = (await api.call('integrations/openapi.json')).body
  ajv.addSchema(document, 'api')
})
afterAll(() => api[Symbol.asyncDispose]())

describe('the OpenAPI description', () => {
  it('is served without a JWT, for the functions where they are', () => {
    expect(document.openapi).toMatch(/^3\.1\./)
    expect(document.servers).toEqual([{ url: `${api.url}/functions/v1` }])
  })

  it('has every route and no other', () => {
    const described = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    )
    expect(described.toSorted()).toEqual(
      [
        'post /oauth-authorize',
        'get /oauth-start/{provider}',
        'get /oauth-callback/{provider}',
        'post /oauth-callback',
        'get /integrations/openapi.json',
        ...routes.map(({ method, path }) => `${method} /integrations${path === '/' ? '' : path.replaceAll(/:(\w+)/g, '{$1}')}`),
      ].toSorted(),
    )
  })

  it('says which routes need a JWT, and of each the parts of its path', () => {
    for (const [path, item] of Object.entries(document.paths)) {
      for (const [method, { security, parameters = [] }] of Object.entries(item)) {
        const open =
          path.startsWith('/oauth-start') ||
          path.endsWith('openapi.json') ||
          `${method} ${path}` === 'get /oauth-callback/{provider}'
        expect(security, `${method} ${path}`).toEqual(open ? [] : [{ user: [] }])
        const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
        expect(parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual(parts)
      }
    }
  })

  it('has schemas that a validator of JSON Schema 2020-12 accepts', () => {
    const schemas = [...JSON.stringify(document).matchAll(/"schema":/g)]
    expect(schemas.length).toBeGreaterThan(30)
    for (const [path, item] of Object.entries(document.paths))
      for (const [method, { responses }] of Object.entries(item))
        for (const status of Object.keys(responses)) expect(() => validatorOf(path, method, status)).not.toThrow()
  })

  it('knows every answer', async () => {
    const seen = new Set<string>()
    let endpointId: string = randomUUID()
    const fill = (path: string, provider: string, name: string) =>
      path.replace(':provider', provider).replace(':name', name).replace(':id', endpointId)
    const check = async (template: string, path: string, options: CallOptions = {}) => {
      const answer = await api.call(path, { user: pat, ...options })
      const method = options.body === undefined ? 'get' : 'post'
      expect(problemOf(template, method, answer), `${method} ${template}: ${JSON.stringify(answer.body)}`).toBeUndefined()
      seen.add(`${method} ${template} ${answer.status}`)
      return answer
    }
    const all = async () => {
      await check('/integrations', 'integrations')
      for (const { method, path } of routes.filter((route) => route.path !== '/')) {
        const template = `/integrations${path.replaceAll(/:(\w+)/g, '{$1}')}`
        const body = method === 'get' ? {} : { body: bodyFor(path) }
        // All of them together are more than a user may ask in a minute.
        await api.sql`delete from patchbay.rate_limits`
        for (const [provider, name] of [
          ['google-drive', 'folders'],
          ['procore', 'companies'],
          ['nobody', 'x'],
        ] as const)
          await check(template, `integrations${fill(path, provider, name)}`, body)
        for (const wrong of [{ x: '1' }, { integration_id: randomUUID() }]) {
          const at = `integrations${fill(path, 'google-drive', 'nothing')}`
          if ('body' in body) await check(template, at, { body: { ...body.body, ...wrong } })
          else await check(template, `${at}?${new URLSearchParams(wrong).toString()}`)
        }
      }
    }
    await all()
    endpointId = await addEndpoint(api.sql, pat.id)
    await api.connect(pat, 'google-drive')
    await api.connect(pat, 'procore')
    await api.sql`delete from patchbay.rate_limits`
    await all()

    await check('/oauth-authorize', 'oauth-authorize', { body: { provider: 'google-drive' } })
    await check('/oauth-authorize', 'oauth-authorize', { body: { provider: 'nobody' } })
    const begun = await check('/oauth-authorize', 'oauth-authorize', {
      body: { provider: 'google-drive', flow: 'client', redirect_uri: app },
    })
    await check('/oauth-callback', 'oauth-callback', { body: { code: 'x', state: 'y' } })
    await check('/oauth-callback', 'oauth-callback', { body: { code: 'x', state: begun.body.state } })
    await check('/oauth-callback/{provider}', 'oauth-callback/google-drive?code=x')
    await check('/oauth-callback/{provider}', 'oauth-callback/nobody?code=x')
    await check('/oauth-start/{provider}', 'oauth-start/google-drive')
    await check('/oauth-start/{provider}', 'oauth-start/google-drive', { headers: { referer: app } })

    expect([...seen].filter((entry) => entry.endsWith(' 200')).length).toBeGreaterThanOrEqual(routes.length)
  })

  it('lists every code that an error can have', () => {
    const { components } = document as unknown as {
      components: { schemas: { Error: { properties: { error: { properties: { code: { enum: string[] } } } } } } }
    }
    expect(components.schemas.Error.properties.error.properties.code.enum).toEqual(Object.keys(errorCodes))
  })
})

function bodyFor(path: string): Record<string, unknown> {
  if (path === '/endpoints/test') return { endpoint_type: 'google_drive' }
  return path.endsWith('/tenant') ? { tenant_id: '1' } : {}
}

/** Why an answer is not one that the description has; undefined: it is. */
function problemOf(path: string, method: string, { status, body }: Answer): string | undefined {
  const described = document.paths[path]?.[method]?.responses[status]
  if (!described) return `${status} is not described`
  if (status >= 400 && !described.description.includes(`\`${body.error.code}\``)) return `${body.error.code} is not described`
  const validate = validatorOf(path, method, String(status))
  return validate && !validate(body) ? JSON.stringify(validate.errors) : undefined
}

/** Undefined: the answer has no body. */
function validatorOf(path: string, method: string, status: string) {
  const pointer = ['paths', path, method, 'responses', status, 'content', 'application/json', 'schema']
    .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
    .join('/')
  return status.startsWith('3') ? undefined : ajv.compile({ $ref: `api#/${pointer}` })
}
