import { describe, expect, it } from 'vitest'
import { provider } from '../../src/shared/providers/autodesk/definition.ts'

const { api, account, lists } = provider
const { projects } = lists

/** What is asked for after this page. */
function readPage(body: unknown, cursor: string | null) {
  const { items, next } = projects.read(body, { cursor })
  return { items, next, asks: next === null ? null : projects.request(next).path }
}

describe('an error', () => {
  it.each([
    [{ developerMessage: 'Quota limit exceeded.', errorCode: 'ERR-001' }, 'ERR-001'],
    [{ jsonapi: { version: '1.0' }, errors: [{ status: '403', code: 'USER_NOT_AUTHENTICATED' }] }, 'USER_NOT_AUTHENTICATED'],
    [{ developerMessage: null, errorCode: 'AUTH-006' }, 'AUTH-006'],
    [{ errorCode: null, errors: [{ status: 403, code: 'BIM360DM_ERROR', detail: null }] }, 'BIM360DM_ERROR'],
    [{ errors: [] }, undefined],
    [{ jsonapi: { version: '1.0' }, data: [] }, undefined],
    ['<html>', undefined],
  ])('%j has the reason %s', (body, reason) => {
    expect(api.reason(body)).toBe(reason)
  })
})

it('calls an account by its address, else by its name', () => {
  expect(account.read({ sub: 'A1', name: 'Pat Marlowe', email: 'pat@example.com' })).toEqual({
    id: 'A1',
    label: 'pat@example.com',
  })
  expect(account.read({ sub: 'A1', name: null, preferred_username: 'pat', email: null })).toEqual({ id: 'A1', label: 'pat' })
})

describe('projects', () => {
  const hub = (id: string) => ({ type: 'hubs', id, attributes: { name: id } })
  const project = (id: string) => ({ type: 'projects', id, attributes: { name: `Project ${id}` } })
  const warnings = [{ ErrorCode: 'BIM360DM_ERROR', HttpStatusCode: '403' }]

  it('are read hub by hub, following links of any form', () => {
    const first = readPage({ data: [hub('b.1'), hub('a.team'), hub('b.2')] }, null)
    expect(first).toMatchObject({ items: [], asks: '/project/v1/hubs/b.1/projects?page[limit]=200' })

    const relative = '/project/v1/hubs/b.1/projects?page%5Bnumber%5D=1'
    const second = readPage({ data: [project('b.x')], links: { next: { href: relative } } }, first.next)
    expect(second).toMatchObject({ items: [{ id: 'b.x', label: 'Project b.x' }], asks: relative })

    const absolute = 'https://developer.api.autodesk.com/project/v1/hubs/b.1/projects?page[number]=2'
    const third = readPage({ data: [], links: { next: { href: absolute } } }, second.next)
    expect(third).toMatchObject({ items: [], asks: '/project/v1/hubs/b.1/projects?page[number]=2' })

    const fourth = readPage({ data: [], links: { self: { href: absolute } } }, third.next)
    expect(fourth.asks).toBe('/project/v1/hubs/b.2/projects?page[limit]=200')
    expect(readPage({ data: [project('b.y')] }, fourth.next)).toMatchObject({ items: [{ id: 'b.y' }], next: null })
  })

  it('wait until all hubs are known, if those come in pages', () => {
    const first = readPage({ data: [hub('b.1')], links: { next: { href: '/project/v1/hubs?page[number]=1' } } }, null)
    expect(first.asks).toBe('/project/v1/hubs?page[number]=1')
    const second = readPage({ data: [hub('b.2')] }, first.next)
    expect(second.asks).toBe('/project/v1/hubs/b.1/projects?page[limit]=200')
    expect(readPage({ data: [] }, second.next).asks).toBe('/project/v1/hubs/b.2/projects?page[limit]=200')
  })

  it('stay on Autodesk’s host, wherever a link leads', () => {
    const { asks } = readPage({ data: [], links: { next: { href: 'https://example.com/elsewhere' } } }, null)
    expect(asks).toBe('/elsewhere')
  })

  it('are none for someone who is in no account', () => {
    expect(readPage({ data: [] }, null)).toMatchObject({ items: [], next: null })
    expect(readPage({ data: [hub('a.team')] }, null)).toMatchObject({ items: [], next: null })
  })

  it('are refused, with what to do, when no account has added the app', () => {
    expect(() => readPage({ data: [], meta: { warnings } }, null)).toThrow(
      expect.objectContaining({
        code: 'provider_forbidden',
        hint: expect.stringContaining('Custom Integrations'),
        context: expect.objectContaining({ reason: 'BIM360DM_ERROR' }),
      }),
    )
  })

  it.each(['500', '503', 503, '429'])('are not there for now when no account is known and a region answers %j', (status) => {
    const failing = { ErrorCode: null, HttpStatusCode: status }
    expect(() => readPage({ data: [hub('a.team')], meta: { warnings: [...warnings, failing] } }, null)).toThrow(
      expect.objectContaining({ code: 'provider_unavailable', context: { provider: 'autodesk', status: Number(status) } }),
    )
  })

  it('are read from the regions that answer when another does not', () => {
    const failing = { ErrorCode: null, HttpStatusCode: '503' }
    const nameless = { id: 'b.1', attributes: { name: null } }
    expect(readPage({ data: [nameless], meta: { warnings: [...warnings, failing] } }, null).asks).toContain('b.1')
  })
})
