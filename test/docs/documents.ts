import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The folder of this project. */
export const root = join(import.meta.dirname, '../..')

/** What tells people which commands to type. */
export const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...globSync(['docs/*.md', 'docs/providers/*.md'], { cwd: root }).toSorted(),
]

/** Something that a document says to type. */
export interface Typed {
  document: string
  line: number
  text: string
}

/** The commands of the shell blocks, one a line; one that ends with a backslash goes on in the next. */
export function commands(): Typed[] {
  return documents.flatMap((document) =>
    fencedBlocks(document, /^(sh|bash|shell|console)$/).flatMap(({ line, text }) => {
      const found: Typed[] = []
      let begun: Typed | undefined
      for (const [index, part] of text.split('\n').entries()) {
        begun = { document, line: begun?.line ?? line + index, text: `${begun?.text ?? ''}${withoutComment(part)}` }
        if (begun.text.endsWith('\\')) {
          begun.text = `${begun.text.slice(0, -1).trimEnd()} `
          continue
        }
        if (begun.text !== '') found.push(begun)
        begun = undefined
      }
      return found
    }),
  )
}

/** The SQL blocks, whole. */
export function sqlBlocks(): Typed[] {
  return documents.flatMap((document) => fencedBlocks(document, /^sql$/))
}

/** What stands in prose and in tables between backticks and begins with `npm `. */
export function inlineCommands(): Typed[] {
  return documents.flatMap((document) =>
    read(document)
      .split('\n')
      .flatMap((text, index) =>
        [...text.matchAll(/`((?:npm|npx) [^`]+)`/g)].map(([, command = '']) => ({ document, line: index + 1, text: command })),
      ),
  )
}

function fencedBlocks(document: string, language: RegExp): Typed[] {
  const blocks: Typed[] = []
  let open: { line: number; indent: number; wanted: boolean; lines: string[] } | undefined
  for (const [index, text] of read(document).split('\n').entries()) {
    const fence = /^( *)```(\S*)/.exec(text)
    if (fence === null) {
      open?.lines.push(text.slice(open.indent))
    } else if (open === undefined) {
      open = { line: index + 2, indent: fence[1]?.length ?? 0, wanted: language.test(fence[2] ?? ''), lines: [] }
    } else {
      if (open.wanted) blocks.push({ document, line: open.line, text: open.lines.join('\n') })
      open = undefined
    }
  }
  return blocks
}

/** A comment has a space before it, and is not within quotes. */
function withoutComment(line: string): string {
  const [, command = ''] = /^((?:"[^"]*"|'[^']*'|[^"'#]|(?<=\S)#)*)/.exec(line) ?? []
  return command.replace(/^\$ /, '').trim()
}

function read(document: string): string {
  return readFileSync(join(root, document), 'utf8')
}
