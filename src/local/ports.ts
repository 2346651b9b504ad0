import { createServer, type AddressInfo } from 'node:net'

/** The first free port of 127.0.0.1 from `from` up; any free port for 0. */
export async function freePort(from: number): Promise<number> {
  for (let port = from; port < 65_536; port += 1) {
    const found = await tryPort(port)
    if (found !== undefined) return found
  }
  throw new Error(`No free port from ${from} up.`)
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(port, '127.0.0.1', () => {
      const { port: found } = server.address() as AddressInfo
      server.close(() => resolve(found))
    })
  })
}
