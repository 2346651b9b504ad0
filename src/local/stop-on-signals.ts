/** Aborts at the first SIGINT or SIGTERM, and says so. */
export function stopOnSignals(): AbortSignal {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      process.stderr.write('\nStopping …\n')
      stopping.abort()
    })
  }
  return stopping.signal
}
