import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { documents, root } from './documents.ts'

describe('links between the documents', () => {
  it.each(documents)('%s: lead to files and headings that there are', (document) => {
    expect(linksOf(document).filter((link) => !leadsSomewhere(document, link))).toEqual([])
  })

  it('are seen when they lead nowhere', () => {
    expect(leadsSomewhere('README.md', 'docs/nonesuch.md')).toBe(false)
    expect(leadsSomewhere('README.md', 'docs/API.md#nonesuch')).toBe(false)
    expect(leadsSomewhere('README.md', 'docs/API.md#the-audit-log')).toBe(true)
  })
})

/** The targets of a document's links, without those to other sites. */
function linksOf(document: string): string[] {
  const text = read(document).replaceAll(/```[^]*?```/g, '')
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter((target) => !/^https?:/.test(target))
}

function leadsSomewhere(document: string, link: string): boolean {
  const [path = '', heading] = link.split('#')
  const target = path === '' ? document : join(dirname(document), path)
  if (!existsSync(join(root, target))) return false
  return heading === undefined || headingsOf(target).includes(heading)
}

/** As GitHub makes them: lower case, without punctuation, blanks as hyphens. */
function headingsOf(document: string): string[] {
  return [...read(document).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function read(document: string): string {
  return readFileSync(join(root, document), 'utf8')
}
