import { describe, expect, it } from 'vitest'
import { fileExtension, fileFilter } from '../../src/shared/sync/file-filter.ts'

const plan = { name: 'Plan.PDF', mime: 'application/pdf' }
const photo = { name: 'photo', mime: 'image/jpeg' }
const odd = { name: 'a/b\nc.(1) [x].dwg', mime: null }

describe('file_types', () => {
  it.each([
    [['*'], [true, true, true]],
    [null, [true, true, true]],
    [[], [true, true, true]],
    [['pdf'], [true, false, false]],
    [
      ['.pdf', 'dwg'],
      [true, false, true],
    ],
    [['image/*'], [false, true, false]],
    [
      ['application/pdf', '*.{dwg,rvt}'],
      [true, false, true],
    ],
    [['plan*'], [true, false, false]],
    [['docx'], [false, false, false]],
  ])('%j lets through what it names', (fileTypes, expected) => {
    const passes = fileFilter(fileTypes)
    expect([plan, photo, odd].map(passes)).toEqual(expected)
  })
})

it.each([
  ['many stars', ['*a*a*a*a*ab']],
  ['groups', ['+(a|aa)+']],
  ['long patterns', ['a'.repeat(101)]],
  ['many patterns', Array.from({ length: 51 }, () => 'pdf')],
])('refuses %s, with which a user could keep the worker busy', (_what, fileTypes) => {
  expect(() => fileFilter(fileTypes)).toThrow('file_types')
})

describe('the extension', () => {
  it.each([
    ['a.PDF', 'pdf'],
    ['archive.tar.gz', 'gz'],
    ['.gitignore', null],
    ['README', null],
    ['a.', null],
    ['v1.2 final', null],
    ['😀.txt', 'txt'],
  ])('of %j is %j', (name, extension) => {
    expect(fileExtension(name)).toBe(extension)
  })
})
