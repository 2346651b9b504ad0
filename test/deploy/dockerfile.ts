/** One line of a Dockerfile, such as `COPY` and `package.json ./`. */
export interface Instruction {
  name: string
  text: string
}

/** The stages of a Dockerfile, in order; knows no more of its language than ours needs. */
export function readDockerfile(text: string): Instruction[][] {
  const stages: Instruction[][] = []
  for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
    const [, name, rest] = /^([A-Z]+) (.+)$/.exec(line) ?? []
    if (name === undefined || rest === undefined) {
      if (line.trim() !== '' && !line.startsWith('#')) throw new Error(`This is no instruction: ${line}`)
      continue
    }
    if (name === 'FROM') stages.push([])
    stages.at(-1)?.push({ name, text: rest.trim() })
  }
  return stages
}
