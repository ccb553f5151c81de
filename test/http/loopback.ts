import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'

/** A server on this machine, at a port of its own. */
export interface Loopback {
  readonly port: number
  readonly origin: string
  /** Every connection accepted, closed ones included. */
  readonly sockets: readonly Socket[]
  /** `METHOD path` of each request in the order of arrival. */
  readonly seen: readonly string[]
  close(): Promise<void>
}

export async function serveHttp(
  listener: RequestListener,
  server: Server = createServer(),
): Promise<Loopback> {
  const seen: string[] = []
  server.on('request', (request, response) => {
    seen.push(`${request.method ?? ''} ${request.url ?? ''}`)
    listener(request, response)
  })
  server.keepAliveTimeout = 60_000
  return { ...(await listen(server)), seen }
}

export async function serveTcp(listener: (socket: Socket) => void): Promise<Loopback> {
  return { ...(await listen(createTcpServer(listener))), seen: [] }
}

async function listen(server: ReturnType<typeof createTcpServer>): Promise<Omit<Loopback, 'seen'>> {
  const sockets: Socket[] = []
  server.on('connection', (socket: Socket) => {
    sockets.push(socket)
    // What the tests cut or leave open is not an error of the server.
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    origin: `http://127.0.0.1:${String(port)}`,
    sockets,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** A promise and the function that keeps it. */
export function signal<T = void>(): { readonly given: Promise<T>; readonly give: (value: T) => void } {
  let give: (value: T) => void = () => undefined
  const given = new Promise<T>((resolve) => {
    give = resolve
  })
  return { given, give }
}

/** Resolves when the other side has closed the connection. */
export async function closed(socket: Socket | undefined): Promise<void> {
  if (socket === undefined || socket.closed) return
  await new Promise((resolve) => {
    socket.once('close', resolve)
  })
}
