// npx tsx examples/status-service.ts - a small service: GET /servers/42 streams the status of server 42 as server-sent events.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isCloudError } from 'skystream'
import type { Servers } from 'skystream/synnefo'
import { openClouds } from './clouds.js'

/** One subscription for each listener; a listener that goes away ends its polls. */
export function statusService(servers: Servers): Server {
  return createServer((request, response) => {
    const id = /^\/servers\/(\d+)$/.exec(request.url ?? '')?.[1]
    if (id === undefined) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    const send = (kind: string, data: unknown): void => {
      response.write(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`)
    }
    const subscription = servers.watch(id, { interval: 250 }).subscribe({
      next: (event) => {
        if (event.kind === 'progress') send('progress', { state: event.state, percent: event.percent })
        if (event.kind === 'done') send('done', { state: event.result.status })
      },
      error: (error: unknown) => {
        send(
          'error',
          isCloudError(error) ? { code: error.code, message: error.message } : { code: 'UNKNOWN' },
        )
        response.end()
      },
      complete: () => {
        response.end()
      },
    })
    response.on('close', () => {
      subscription.unsubscribe()
    })
  })
}

const clouds = await openClouds()
const service = statusService(clouds.synnefo.servers).listen(
  Number(process.env['PORT'] ?? 0),
  '127.0.0.1',
  () => {
    const { port } = service.address() as AddressInfo
    console.log(`listening on http://127.0.0.1:${String(port)}; authentication at ${clouds.where.synnefo}`)
  },
)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    service.closeAllConnections()
    service.close()
    void clouds.close()
  })
}
