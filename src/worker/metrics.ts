import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import type { Metrics } from '../shared/metrics.ts'
import type { Status } from '../shared/service/status.ts'

/** What this process has counted, for Prometheus and for /status. Labels have few values, and none is a user's. */
export interface WorkerMetrics {
  /** Where the shared code reports to. */
  sink: Metrics
  /** Takes over what the database says of the whole installation; undefined: it did not answer. */
  show: (status: Status | undefined) => void
  /** In the text format of Prometheus, and its content type. */
  text: () => Promise<{ text: string; contentType: string }>
  /** The counters, by name and labels. */
  totals: () => Promise<Record<string, number>>
}

/** Seconds: from a request that was quick to a run that took its five minutes. */
const buckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]

export function createWorkerMetrics(): WorkerMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const counters = countersIn(registry)
  const gauges = gaugesIn(registry)
  return {
    sink: sinkOf(counters, histogramsIn(registry)),
    show: (status) => {
      for (const gauge of Object.values(gauges)) gauge.reset()
      if (status) showStatus(gauges, status)
    },
    text: async () => ({ text: await registry.metrics(), contentType: registry.contentType }),
    totals: async () => Object.fromEntries((await Promise.all(Object.values(counters).map(totalsOf))).flat()),
  }
}

type Counters = ReturnType<typeof countersIn>
type Histograms = ReturnType<typeof histogramsIn>
type Gauges = ReturnType<typeof gaugesIn>

function countersIn(registry: Registry) {
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name: `patchbay_${name}_total`, help, labelNames, registers: [registry] })
  return {
    runs: counter('runs', 'Sync runs that ended here, by how they ended.', 'outcome'),
    pages: counter('pages', 'Pages that were merged.'),
    files: counter('files', 'Rows of public.files that were written, by what happened to them.', 'change'),
    requests: counter(
      'provider_requests',
      "Requests to the providers' APIs, by the class of their answer.",
      'provider',
      'answer',
    ),
    refreshes: counter('token_refreshes', 'Token refreshes that this process made.', 'provider', 'outcome'),
    jobs: counter('jobs', 'Jobs that ended here.', 'queue', 'outcome'),
  }
}

function histogramsIn(registry: Registry) {
  const histogram = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Histogram({ name: `patchbay_${name}_seconds`, help, labelNames, buckets, registers: [registry] })
  return {
    run: histogram('run', 'How long sync runs took.'),
    request: histogram('provider_request', "How long requests to the providers' APIs took.", 'provider'),
    job: histogram('job', 'How long jobs took.', 'queue'),
  }
}

/** Of the whole installation: every worker says the same. */
function gaugesIn(registry: Registry) {
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name: `patchbay_${name}`, help, labelNames, registers: [registry] })
  return {
    jobs: gauge('queue_jobs', 'Jobs in the queues, in the whole installation.', 'queue', 'state'),
    age: gauge('queue_oldest_seconds', 'How long the oldest waiting job has been waiting.', 'queue'),
    endpoints: gauge('endpoints', 'Endpoints that are due, and those whose last run failed.', 'state'),
    integrations: gauge('integrations', 'Integrations, by status.', 'status'),
    tick: gauge('scheduler_tick_age_seconds', 'How long ago the scheduler ticked.'),
  }
}

function sinkOf(counters: Counters, histograms: Histograms): Metrics {
  return {
    requestSent: ({ provider, answer, ms }) => {
      counters.requests.inc({ provider, answer })
      histograms.request.observe({ provider }, ms / 1000)
    },
    tokenRefreshed: ({ provider, outcome }) => counters.refreshes.inc({ provider, outcome }),
    pageMerged: ({ inserted, updated, deleted }) => {
      counters.pages.inc()
      counters.files.inc({ change: 'inserted' }, inserted)
      counters.files.inc({ change: 'updated' }, updated)
      counters.files.inc({ change: 'deleted' }, deleted)
    },
    runEnded: ({ outcome, ms }) => {
      counters.runs.inc({ outcome })
      histograms.run.observe(ms / 1000)
    },
    jobEnded: ({ queue, outcome, ms }) => {
      counters.jobs.inc({ queue, outcome })
      histograms.job.observe({ queue }, ms / 1000)
    },
  }
}

function showStatus(gauges: Gauges, { queues, endpoints, integrations, scheduler }: Status): void {
  for (const { name: queue, waiting, delayed, active, oldest_seconds } of queues) {
    for (const [state, jobs] of Object.entries({ waiting, delayed, active })) gauges.jobs.set({ queue, state }, jobs)
    gauges.age.set({ queue }, oldest_seconds ?? 0)
  }
  gauges.endpoints.set({ state: 'due' }, endpoints.due)
  gauges.endpoints.set({ state: 'failing' }, endpoints.failing)
  for (const [name, number] of Object.entries(integrations)) gauges.integrations.set({ status: name }, number)
  gauges.tick.set(scheduler?.seconds_ago ?? Number.NaN)
}

async function totalsOf(counter: Counter): Promise<[string, number][]> {
  const { name, values } = await counter.get()
  return values.map(({ labels, value }) => [[name, ...Object.values(labels)].join(' '), value])
}
