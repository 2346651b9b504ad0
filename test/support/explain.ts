import type { Sql, TransactionSql } from 'postgres'

/** What executing a query cost, from its plan. */
export interface QueryCost {
  rowsReported: number
  /** Rows that were fetched from tables, those included that a filter threw away; entries of an index alone are none. */
  rowsRead: number
  /** Tables that were read from beginning to end. */
  wholeTables: string[]
  /** The plan, for a failure's message. */
  plan: string
}

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  'Heap Fetches'?: number
  Plans?: PlanNode[]
}

/** Executes a query and says what it cost. */
export async function explain(sql: Sql | TransactionSql, query: string): Promise<QueryCost> {
  const [row] = await sql.unsafe<{ 'QUERY PLAN': [{ Plan: PlanNode }] }[]>(`explain (analyze, timing off, format json) ${query}`)
  const root = row?.['QUERY PLAN'][0].Plan
  if (root === undefined) throw new Error('Postgres gave no plan')
  const scans = [...nodesOf(root)].filter((node) => node['Relation Name'] !== undefined && node['Actual Loops'] > 0)
  return {
    rowsReported: root['Actual Rows'],
    rowsRead: scans.reduce((sum, scan) => sum + rowsReadBy(scan), 0),
    wholeTables: scans.filter((scan) => scan['Node Type'] === 'Seq Scan').flatMap((scan) => scan['Relation Name'] ?? []),
    plan: JSON.stringify(root, null, 1),
  }
}

function* nodesOf(node: PlanNode): Generator<PlanNode> {
  yield node
  for (const child of node.Plans ?? []) yield* nodesOf(child)
}

function rowsReadBy(scan: PlanNode): number {
  if (scan['Node Type'] === 'Index Only Scan') return scan['Heap Fetches'] ?? 0
  const removed = (scan['Rows Removed by Filter'] ?? 0) + (scan['Rows Removed by Index Recheck'] ?? 0)
  return (scan['Actual Rows'] + removed) * scan['Actual Loops']
}
