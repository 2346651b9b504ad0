export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** Facts of a log line: ids, codes and counts. Never a token, a URL with a query, or a body. */
export type LogFields = Readonly<Record<string, string | number | bigint | boolean | null | undefined>>

export type Logger = Readonly<Record<LogLevel, (message: string, fields?: LogFields) => void>>

/**
 * A logger that writes one JSON object a line, from `level` upwards. `write` gets the line without its newline. `common` is in every
 * line: what tells this process from others.
 */
export function createLogger(level: LogLevel, write: (line: string) => void, now: () => number, common: LogFields = {}): Logger {
  const threshold = logLevels.indexOf(level)
  const logAt =
    (at: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (logLevels.indexOf(at) < threshold) return
      const line = { time: new Date(now()).toISOString(), level: at, message, ...common, ...fields }
      write(JSON.stringify(line, (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)))
    }
  return { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') }
}
