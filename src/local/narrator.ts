import { styleText } from 'node:util'
import { Presets, SingleBar } from 'cli-progress'
import type { Narrator } from './demo/demo.ts'

/** Tells the demo's steps on `stream`: a line each, and a bar while one takes longer. */
export function createNarrator(stream: NodeJS.WriteStream): Narrator & { stop: () => void } {
  const bar = new SingleBar(
    { format: '  {bar} {percentage}% {text}', stream, clearOnComplete: true, hideCursor: true, fps: 10 },
    Presets.shades_classic,
  )
  let title = ''
  const stop = (): void => bar.stop()
  return {
    step: (next) => {
      title = next
      if (stream.isTTY) bar.start(1, 0, { text: next })
    },
    progress: (fraction, text) => {
      if (stream.isTTY) bar.update(fraction, { text: `${title}: ${text}` })
    },
    done: (text) => {
      stop()
      stream.write(`${styleText('green', '✓', { stream })} ${title}: ${text}\n`)
    },
    stop,
  }
}
