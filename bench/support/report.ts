import { availableParallelism, cpus, totalmem } from 'node:os'
import type { Figure, Target } from './figures.ts'

/** The figures and what they were measured on, as `--json` prints them. */
export interface Report {
  /** True: smaller sizes than the targets are about. */
  quick: boolean
  at: string
  machine: { processors: number; model: string; memoryGiB: number; platform: string; node: string }
  figures: readonly Figure[]
}

export function createReport(quick: boolean, figures: readonly Figure[]): Report {
  return {
    quick,
    at: new Date().toISOString(),
    machine: {
      processors: availableParallelism(),
      model: cpus()[0]?.model ?? 'unknown',
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      platform: `${process.platform}-${process.arch}`,
      node: process.version,
    },
    figures,
  }
}

export function printReport({ quick, machine, figures }: Report): void {
  console.table(
    Object.fromEntries(
      figures.map((figure, index) => [
        index + 1,
        {
          measure: figure.measure,
          ours: quantity(figure.ours, figure.unit),
          theirs: figure.theirs === null ? '' : quantity(figure.theirs, figure.unit),
          ratio: figure.ratio === null ? '' : figure.ratio.toFixed(2),
          target: targetText(figure.target),
          ok: quick ? 'quick' : figure.ok ? 'yes' : 'NO',
        },
      ]),
    ),
  )
  figures.forEach(({ measure, about }, index) => console.log(`${index + 1}. ${measure}: ${about}`))
  console.log(`\n${machine.processors} × ${machine.model}, ${machine.memoryGiB} GiB, ${machine.platform}, Node ${machine.node}`)
  if (quick) console.log('quick: not the sizes of the targets, so none is judged.')
}

function quantity(value: number, unit: string): string {
  return `${value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : 0 })} ${unit}`
}

function targetText(target: Target): string {
  if ('atLeast' in target) return `≥ ${target.atLeast}`
  if ('atMost' in target) return `≤ ${target.atMost}`
  return `= ${target.exactly}`
}
