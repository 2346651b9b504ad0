import postgres, { type Options, type PostgresType, type Sql } from 'postgres'

/** A pool for the platform's own use; notices, which are for people at a prompt, are dropped. */
export function openSql(url: string, options: Options<Record<string, PostgresType>> = {}): Sql {
  return postgres(url, { max: 1, onnotice: () => {}, fetch_types: false, ...options })
}
