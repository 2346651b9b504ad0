import type { Sql } from 'postgres'
import { openSql } from './connection.ts'

interface QueuedRequest {
  id: string
  method: string
  url: string
  headers: Record<string, string>
  body: Uint8Array<ArrayBuffer> | null
  timeout_milliseconds: number
}

/** Sends what `net.http_post` has queued, as pg_net does: after commit, at most once, the answer in `net._http_response`. */
export interface NetSender {
  /** Sends nothing more and aborts what is under way. */
  stop(): Promise<void>
}

const batchSize = 200
const pollMs = 2_000

/** @param superuserUrl the database whose `net.http_request_queue` is served */
export async function startNet(superuserUrl: string): Promise<NetSender> {
  const sql = openSql(superuserUrl, { max: 4, idle_timeout: 30 })
  const abort = new AbortController()
  const sending = new Set<Promise<void>>()

  async function drain(): Promise<void> {
    if (abort.signal.aborted) return
    await sql`delete from net._http_response where created < now() - interval '6 hours'`
    let requests: QueuedRequest[]
    do {
      requests = await takeBatch(sql)
      for (const request of requests) {
        const sent = send(sql, request, abort.signal).catch(() => {})
        sending.add(sent)
        void sent.finally(() => sending.delete(sent))
      }
    } while (requests.length === batchSize)
  }

  let draining: Promise<void> = Promise.resolve()
  // A failed round means that Postgres is gone; its own log says why.
  const wake = () => {
    draining = draining.then(drain).catch(() => {})
  }
  const subscription = await sql.listen('net_wake', wake)
  // Rows from before we listened, and from a trigger that did not fire.
  const timer = setInterval(wake, pollMs)
  wake()

  return {
    async stop() {
      clearInterval(timer)
      abort.abort()
      await subscription.unlisten()
      await draining
      await Promise.all(sending)
      await sql.end({ timeout: 1 })
    },
  }
}

async function takeBatch(sql: Sql): Promise<QueuedRequest[]> {
  return sql<QueuedRequest[]>`
    delete from net.http_request_queue where id in (
      select id from net.http_request_queue order by id limit ${batchSize} for update skip locked
    )
    returning id, method, url, headers, body, timeout_milliseconds`
}

async function send(sql: Sql, request: QueuedRequest, stopped: AbortSignal): Promise<void> {
  const timeout = AbortSignal.timeout(request.timeout_milliseconds)
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      signal: AbortSignal.any([timeout, stopped]),
    })
    const content = await response.text()
    await sql`
      insert into net._http_response (id, status_code, content_type, headers, content, timed_out)
      values (${request.id}, ${response.status}, ${response.headers.get('content-type')},
        ${sql.json(Object.fromEntries(response.headers))}, ${content}, false)`
  } catch (error) {
    if (stopped.aborted) return
    const message = timeout.aborted ? `Timeout of ${request.timeout_milliseconds} ms reached` : reason(error)
    await sql`
      insert into net._http_response (id, timed_out, error_msg) values (${request.id}, ${timeout.aborted}, ${message})`
  }
}

function reason(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}
