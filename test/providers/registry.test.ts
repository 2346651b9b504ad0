import { expect, it } from 'vitest'
import { findProvider, providers, streamFor } from '../../src/shared/providers/registry.ts'

it('finds a provider by its id, and an endpoint type with its stream', () => {
  expect(findProvider('google-drive').name).toBe('Google Drive')
  expect(streamFor('google_drive')).toMatchObject({ provider: { id: 'google-drive' }, stream: { kind: 'files' } })
})

it('names what it knows when it is asked for something else', () => {
  const rejected = { code: 'unknown_provider', outcome: 'rejected' }
  expect(() => findProvider('dropbox')).toThrow(
    expect.objectContaining({ ...rejected, message: expect.stringContaining('google-drive') }),
  )
  expect(() => streamFor('dropbox')).toThrow(
    expect.objectContaining({ ...rejected, message: expect.stringContaining('google_drive') }),
  )
})

it('has every id and every endpoint type once', () => {
  const ids = providers.map((provider) => provider.id)
  const types = providers.flatMap((provider) => Object.keys(provider.streams))
  expect(new Set(ids).size).toBe(ids.length)
  expect(new Set(types).size).toBe(types.length)
})
