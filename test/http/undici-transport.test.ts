import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { connect, type Socket } from 'node:net'
import { Pool } from 'undici'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  NetworkError,
  RequestTimeoutError,
  ResponseFormatError,
  TransferError,
  type CloudError,
} from '../../src/errors.js'
import type { BodySink, HttpHeaders } from '../../src/http/types.js'
import { undiciTransport, type ConnectionOptions } from '../../src/http/undici-transport.js'
import { closed, serveHttp, serveTcp, signal, type Loopback } from './loopback.js'
import { failureOf, recorder, requestOf, send } from './requests.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function connectionOf(options: ConnectionOptions = {}): ReturnType<typeof undiciTransport> {
  const connection = undiciTransport({ proxy: false, ...options })
  cleanups.push(() => {
    connection.close()
  })
  return connection
}

async function http(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Loopback> {
  const server = await serveHttp(listener)
  cleanups.push(server.close)
  return server
}

async function tcp(listener: (socket: Socket) => void): Promise<Loopback> {
  const server = await serveTcp(listener)
  cleanups.push(server.close)
  return server
}

/** Waits for requests and answers each when told. */
function holding(): {
  readonly listener: (request: IncomingMessage, response: ServerResponse) => void
  readonly held: ServerResponse[]
  readonly until: (count: number) => Promise<void>
} {
  const held: ServerResponse[] = []
  let wake: () => void = () => undefined
  return {
    held,
    listener: (_request, response) => {
      held.push(response)
      wake()
    },
    until: async (count) => {
      while (held.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

function collectingSink(): BodySink & { readonly begun: [number, HttpHeaders][]; readonly chunks: Buffer[] } {
  const begun: [number, HttpHeaders][] = []
  const chunks: Buffer[] = []
  return {
    begun,
    chunks,
    begin: (status, headers) => {
      begun.push([status, headers])
    },
    write: (chunk) => {
      chunks.push(Buffer.from(chunk))
      return true
    },
  }
}

describe('connections', () => {
  it('keeps a connection and uses it again', async () => {
    const server = await http((_request, response) => response.end('ok'))
    const { transport } = connectionOf({ connections: 1 })
    for (const path of ['/1', '/2', '/3']) {
      const { status, body } = await send(transport, requestOf({ origin: server.origin, path }))
      expect([status, Buffer.from(body).toString()]).toEqual([200, 'ok'])
    }
    expect(server.seen).toEqual(['GET /1', 'GET /2', 'GET /3'])
    expect(server.sockets).toHaveLength(1)
  })

  it('needs no more than two connections for one request after the other', async () => {
    // undici rests a connection for one turn of the event loop, so the next request may find it busy.
    const server = await http((_request, response) => response.end('ok'))
    const { transport } = connectionOf()
    for (let count = 0; count < 10; count++) await send(transport, requestOf({ origin: server.origin }))
    expect(server.sockets.length).toBeLessThanOrEqual(2)
  })

  it('sends one request at a time on each of a limited number of connections', async () => {
    const { held, listener, until } = holding()
    const server = await http(listener)
    const { transport } = connectionOf({ connections: 2 })
    const answers = ['/1', '/2', '/3', '/4'].map((path) =>
      send(transport, requestOf({ origin: server.origin, path })),
    )
    await until(2)
    // A round trip over other connections gives a third request the time to arrive, if there were one.
    await send(connectionOf().transport, requestOf({ origin: (await http((_r, s) => s.end())).origin }))
    expect(held).toHaveLength(2)
    held[0]!.end()
    await until(3)
    held[1]!.end()
    await until(4)
    held[2]!.end()
    held[3]!.end()
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(server.sockets).toHaveLength(2)
  })

  it('lets an unused connection go in its own time, though the server offers more, and opens another one', async () => {
    const server = await http((_request, response) => {
      response.setHeader('keep-alive', 'timeout=600')
      response.end()
    })
    const { transport } = connectionOf({ keepAliveTimeout: 30 })
    const released = signal()
    vi.spyOn(Pool.prototype, 'close').mockImplementation(() => {
      released.give()
      return Promise.resolve()
    })
    await send(transport, requestOf({ origin: server.origin }))
    // Nothing is kept for an origin without connections, its pool neither.
    await Promise.all([closed(server.sockets[0]), released.given])
    await send(transport, requestOf({ origin: server.origin }))
    expect(server.sockets).toHaveLength(2)
  })

  it.each([
    'connectTimeout',
    'headersTimeout',
    'bodyTimeout',
    'keepAliveTimeout',
    'maxBodyBytes',
    'connections',
  ])('refuses a wrong %s by name', (name) => {
    for (const value of [0, -1, Number.NaN]) {
      expect(() => undiciTransport({ [name]: value })).toThrow(new RegExp(`^connection\\.${name}: `))
    }
  })

  it('refuses a proxy that is no address, without repeating it', () => {
    const make = () => undiciTransport({ proxy: 'user:hunter2@proxy' })
    expect(make).toThrow(/^connection\.proxy: expected an address/)
    expect(make).not.toThrow(/hunter2/)
    vi.stubEnv('HTTPS_PROXY', 'hunter2')
    expect(() => undiciTransport()).toThrow(/^HTTPS_PROXY: expected an address/)
    expect(() => undiciTransport()).not.toThrow(/hunter2/)
  })
})

describe('what is sent', () => {
  it.each([
    '/',
    '//',
    '/a//b',
    '/a/../b',
    '/a/./b',
    '/a%2Fb',
    '/~x',
    '/%7Ex',
    "/a'(b)*",
    '/a?x=%2F&y',
    '/%C3%A4',
  ])('sends the path %s as it is', async (path) => {
    const server = await http((_request, response) => response.end())
    await send(connectionOf().transport, requestOf({ origin: server.origin, path }))
    expect(server.seen).toEqual([`GET ${path}`])
  })

  it.each(['COPY', 'MOVE', 'OPTIONS', 'PATCH'] as const)('sends the method %s', async (method) => {
    const server = await http((_request, response) => response.end())
    const { status } = await send(connectionOf().transport, requestOf({ origin: server.origin, method }))
    expect(status).toBe(200)
    expect(server.seen).toEqual([`${method} /things`])
  })

  it.each([
    ['a string', 'grüße', { 'content-length': '7' }],
    ['bytes', new Uint8Array(Buffer.from('xgrüßex')).subarray(1, 8), { 'content-length': '7' }],
    [
      'pieces',
      async function* () {
        yield Buffer.from('grü')
        yield Buffer.from('ße')
      },
      { 'transfer-encoding': 'chunked' },
    ],
  ])('sends a body given as %s', async (_kind, body, headers) => {
    const got = signal<{ headers: IncomingMessage['headers']; text: string }>()
    const server = await http((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        got.give({ headers: request.headers, text: Buffer.concat(chunks).toString() })
        response.end()
      })
    })
    await send(connectionOf().transport, requestOf({ origin: server.origin, method: 'PUT', body }))
    expect(await got.given).toMatchObject({ text: 'grüße', headers })
  })

  it('says that there is no body where a server would wait for one', async () => {
    const length = signal<string | undefined>()
    const server = await http((request, response) => {
      length.give(request.headers['content-length'])
      response.end()
    })
    await send(connectionOf().transport, requestOf({ origin: server.origin, method: 'POST' }))
    expect(await length.given).toBe('0')
  })
})

describe('what is received', () => {
  it('passes informational answers over, and gives repeated headers as arrays', async () => {
    const server = await http((_request, response) => {
      response.writeProcessing()
      response.writeEarlyHints({ link: '</style.css>; rel=preload' })
      response.setHeader('Set-Cookie', ['a=1', 'b=2'])
      response.setHeader('X-Object-Meta-Name', 'one')
      response.writeHead(203)
      response.end('body')
    })
    const { status, headers, body } = await send(
      connectionOf().transport,
      requestOf({ origin: server.origin }),
    )
    expect(status).toBe(203)
    expect(headers).toMatchObject({ 'set-cookie': ['a=1', 'b=2'], 'x-object-meta-name': 'one' })
    expect(headers).not.toHaveProperty('link')
    expect(Buffer.from(body).toString()).toBe('body')
  })

  it('joins the pieces of a body', async () => {
    const pieces = Array.from({ length: 40 }, (_, index) => Buffer.alloc(10_000, index))
    const server = await http((_request, response) => {
      for (const piece of pieces) response.write(piece)
      response.end()
    })
    const { body } = await send(connectionOf().transport, requestOf({ origin: server.origin }))
    expect(Buffer.concat(pieces).equals(body)).toBe(true)
  })

  it('refuses a body larger than the limit, and closes the connection', async () => {
    const server = await http((_request, response) => response.end('x'.repeat(11)))
    const { transport } = connectionOf({ maxBodyBytes: 10 })
    const error = await failureOf(transport, requestOf({ origin: server.origin }))
    expect(error).toBeInstanceOf(ResponseFormatError)
    expect(error).toMatchObject({ retryable: false, operation: 'test.things.do', cloud: 'synnefo' })
    expect(error.message).toContain('larger than 10 bytes')
    await closed(server.sockets[0])
    const exact = await http((_request, response) => response.end('x'.repeat(10)))
    expect((await send(transport, requestOf({ origin: exact.origin }))).body).toHaveLength(10)
  })
})

describe('sinks', () => {
  it('gives the pieces of a successful body to the sink, and an empty body to the handler', async () => {
    const server = await http((_request, response) => {
      response.setHeader('x-kind', 'data')
      response.end('contents')
    })
    const sink = collectingSink()
    const { body } = await send(connectionOf().transport, requestOf({ origin: server.origin, sink }))
    expect(body).toHaveLength(0)
    expect(Buffer.concat(sink.chunks).toString()).toBe('contents')
    expect(sink.begun).toMatchObject([[200, { 'x-kind': 'data' }]])
  })

  it('is not bound by the limit of bodies in memory', async () => {
    const server = await http((_request, response) => response.end('contents'))
    const sink = collectingSink()
    const { transport } = connectionOf({ maxBodyBytes: 1 })
    await send(transport, requestOf({ origin: server.origin, sink }))
    expect(Buffer.concat(sink.chunks).toString()).toBe('contents')
  })

  it('keeps the sink out of the body of an error', async () => {
    const server = await http((_request, response) => {
      response.writeHead(404)
      response.end('no such thing')
    })
    const sink = collectingSink()
    const { status, body } = await send(connectionOf().transport, requestOf({ origin: server.origin, sink }))
    expect([status, Buffer.from(body).toString()]).toEqual([404, 'no such thing'])
    expect([sink.begun, sink.chunks]).toEqual([[], []])
  })

  it('reads no more while the sink is full', async () => {
    const size = 8 * 2 ** 20
    const server = await http((_request, response) => response.end(Buffer.alloc(size)))
    const { transport } = connectionOf()
    const full = signal<() => void>()
    let calls = 0
    let bytes = 0
    const done = send(
      transport,
      requestOf({
        origin: server.origin,
        sink: {
          begin: () => undefined,
          write: (chunk, resume) => {
            calls += 1
            bytes += chunk.length
            if (calls > 1) return true
            full.give(resume)
            return false
          },
        },
      }),
    )
    const resume = await full.given
    // Two more round trips, in which the rest would have come.
    const other = await http((_request, response) => response.end())
    await send(transport, requestOf({ origin: other.origin }))
    await send(transport, requestOf({ origin: other.origin }))
    expect(calls).toBe(1)
    resume()
    await done
    expect(bytes).toBe(size)
    resume()
  })

  it('goes on when a sink asks for more before it returns', async () => {
    const server = await http((_request, response) => response.end(Buffer.alloc(2 ** 20)))
    let bytes = 0
    const sink: BodySink = {
      begin: () => undefined,
      write: (chunk, resume) => {
        bytes += chunk.length
        resume()
        return false
      },
    }
    await send(connectionOf().transport, requestOf({ origin: server.origin, sink }))
    expect(bytes).toBe(2 ** 20)
  })

  it.each(['begin', 'write'] as const)('ends the request when %s throws', async (method) => {
    const server = await http((_request, response) => {
      response.write('some')
    })
    const full = Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    const sink = {
      ...collectingSink(),
      [method]: () => {
        throw full
      },
    }
    const error = await failureOf(connectionOf().transport, requestOf({ origin: server.origin, sink }))
    expect(error).toBeInstanceOf(TransferError)
    expect(error.message).toBe('test.things.do: the body could not be taken: no space left')
    expect(error).toMatchObject({ cause: full, retryable: false })
    await closed(server.sockets[0])
  })

  it('passes an error of ours that a sink throws as it is', async () => {
    const server = await http((_request, response) => response.end('some'))
    const thrown = new TransferError('block 3 does not match', { part: 3 })
    const sink: BodySink = {
      begin: () => undefined,
      write: () => {
        throw thrown
      },
    }
    expect(await failureOf(connectionOf().transport, requestOf({ origin: server.origin, sink }))).toBe(thrown)
  })
})

describe('failures', () => {
  async function bothMethods(
    origin: string,
    options: ConnectionOptions = {},
  ): Promise<readonly [get: CloudError, post: CloudError]> {
    const { transport } = connectionOf(options)
    return Promise.all([
      failureOf(transport, requestOf({ origin })),
      failureOf(transport, requestOf({ origin, method: 'POST', body: '{}' })),
    ])
  }

  it('nobody listens: nothing was sent, so anything may be sent again', async () => {
    const server = await serveTcp(() => undefined)
    await server.close()
    for (const error of await bothMethods(server.origin)) {
      expect(error).toBeInstanceOf(NetworkError)
      expect(error).toMatchObject({ errno: 'ECONNREFUSED', retryable: true, code: 'SKY_NETWORK' })
      expect(error.message).toContain(`test.things.do: `)
      expect(error.message).toContain(server.origin)
    }
  })

  it('an unknown name: nothing was sent', async () => {
    for (const error of await bothMethods('http://no-such-host.invalid')) {
      expect(error).toBeInstanceOf(NetworkError)
      expect(error).toMatchObject({ retryable: true })
      expect(error).toMatchObject({ errno: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) })
    }
  })

  it('cut before the headers: only what is idempotent may be sent again', async () => {
    const server = await http((request) => request.socket.destroy())
    const [get, post] = await bothMethods(server.origin)
    expect(get).toMatchObject({ errno: 'UND_ERR_SOCKET', retryable: true })
    expect(post).toMatchObject({ errno: 'UND_ERR_SOCKET', retryable: false })
  })

  it('reset before the headers', async () => {
    const server = await http((request) => request.socket.resetAndDestroy())
    const [get, post] = await bothMethods(server.origin)
    expect(get).toMatchObject({ errno: 'ECONNRESET', retryable: true })
    expect(post).toMatchObject({ errno: 'ECONNRESET', retryable: false })
  })

  it.each([
    ['cut in the middle of a body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'],
    [
      'cut in the middle of a chunked body',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    ],
  ])('%s', async (_what, bytes) => {
    const server = await tcp((socket) => {
      socket.once('data', () => socket.end(bytes))
    })
    const [get, post] = await bothMethods(server.origin)
    expect(get).toBeInstanceOf(NetworkError)
    expect(get).toMatchObject({ retryable: true })
    expect(post).toMatchObject({ retryable: false })
  })

  it('an answer that is not HTTP will not be one the next time', async () => {
    const server = await tcp((socket) => {
      socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
    })
    for (const error of await bothMethods(server.origin)) {
      expect(error).toBeInstanceOf(NetworkError)
      expect(error).toMatchObject({ errno: undefined, retryable: false })
      expect(error.message).toContain('does not match the HTTP/1.1 protocol')
    }
  })

  it('no connection (TLS included), no headers, no more of the body in time', async () => {
    const mute = await tcp(() => undefined)
    const silent = await http(() => undefined)
    const stalled = await http((_request, response) => {
      response.write('some')
    })
    const [connecting, headers, body] = await Promise.all([
      bothMethods(mute.origin.replace('http:', 'https:'), { connectTimeout: 30 }),
      bothMethods(silent.origin, { headersTimeout: 30 }),
      bothMethods(stalled.origin, { bodyTimeout: 30 }),
    ])
    for (const error of [...connecting, ...headers, ...body])
      expect(error).toBeInstanceOf(RequestTimeoutError)
    const table = (errors: readonly CloudError[]) =>
      errors.map((error) => [error.toJSON()['errno'], error.retryable])
    // Without a connection nothing was sent.
    expect(table(connecting)).toEqual([
      ['UND_ERR_CONNECT_TIMEOUT', true],
      ['UND_ERR_CONNECT_TIMEOUT', true],
    ])
    expect(table(headers)).toEqual([
      ['UND_ERR_HEADERS_TIMEOUT', true],
      ['UND_ERR_HEADERS_TIMEOUT', false],
    ])
    expect(table(body)).toEqual([
      ['UND_ERR_BODY_TIMEOUT', true],
      ['UND_ERR_BODY_TIMEOUT', false],
    ])
  })

  it('what undici does not accept is not tried again, and its value is not repeated', async () => {
    const { transport } = connectionOf()
    const error = await failureOf(
      transport,
      requestOf({ origin: 'http://127.0.0.1:1', headers: { 'x-auth-token': 'hunter2\n' } }),
    )
    expect(error).toMatchObject({ errno: 'UND_ERR_INVALID_ARG', retryable: false })
    expect(JSON.stringify(error)).not.toContain('hunter2')
    expect(await failureOf(transport, requestOf({ origin: '' }))).toMatchObject({ retryable: false })
  })

  it('a body that fails ends the request with its own error, and is not tried again', async () => {
    const server = await http((request) => request.resume())
    const failing = (error: Error) =>
      async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('some')
        throw error
      }
    const { transport } = connectionOf()
    const request = requestOf({ origin: server.origin, method: 'PUT' })
    const ours = new TransferError('the file changed')
    expect(await failureOf(transport, { ...request, body: failing(ours) })).toBe(ours)
    const io = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
    expect(await failureOf(transport, { ...request, body: failing(io) })).toMatchObject({
      cause: io,
      retryable: false,
    })
    await Promise.all(server.sockets.map(closed))
  })

  it('a body that cannot be opened is an error of the request', async () => {
    const thrown = new Error('no such file')
    const body = () => {
      throw thrown
    }
    const server = await http((_request, response) => response.end())
    const error = await failureOf(connectionOf().transport, requestOf({ origin: server.origin, body }))
    expect(error).toMatchObject({ cause: thrown, retryable: false })
    expect(server.seen).toEqual([])
  })

  it('turns what a handler throws into its error, for undici would swallow it', async () => {
    const server = await http((_request, response) => response.end())
    const thrown = new Error('middleware is broken')
    const told = signal<unknown>()
    connectionOf().transport(requestOf({ origin: server.origin }), {
      next: () => {
        throw thrown
      },
      error: told.give,
    })
    expect(await told.given).toBe(thrown)
  })
})

describe('cancelling', () => {
  it('before the connection: never sent', async () => {
    const server = await http((_request, response) => response.end())
    const { transport } = connectionOf({ connections: 1 })
    const handler = recorder()
    transport(requestOf({ origin: server.origin, path: '/cancelled' }), handler)()
    await send(transport, requestOf({ origin: server.origin, path: '/other' }))
    expect(server.seen).toEqual(['GET /other'])
    expect(handler.calls).toEqual([])
  })

  it('while waiting for a connection: never sent, its body never opened', async () => {
    const { held, listener, until } = holding()
    const server = await http(listener)
    const { transport } = connectionOf({ connections: 1 })
    const first = send(transport, requestOf({ origin: server.origin, path: '/1' }))
    await until(1)
    const handler = recorder()
    let pulled = false
    const cancel = transport(
      requestOf({
        origin: server.origin,
        path: '/2',
        method: 'PUT',
        async *body() {
          pulled = true
          yield Buffer.from('x')
        },
      }),
      handler,
    )
    const third = send(transport, requestOf({ origin: server.origin, path: '/3' }))
    cancel()
    held[0]!.end()
    await until(2)
    held[1]!.end()
    await Promise.all([first, third])
    expect(server.seen).toEqual(['GET /1', 'GET /3'])
    expect(handler.calls).toEqual([])
    expect(pulled).toBe(false)
  })

  it('before the headers: closes the socket', async () => {
    const { listener, until } = holding()
    const server = await http(listener)
    const handler = recorder()
    const cancel = connectionOf().transport(requestOf({ origin: server.origin }), handler)
    await until(1)
    cancel()
    cancel()
    await closed(server.sockets[0])
    expect(handler.calls).toEqual([])
  })

  it('in the middle of a body: closes the socket', async () => {
    const server = await http((_request, response) => {
      response.write('some')
    })
    const begun = signal()
    const handler = recorder()
    const sink = {
      begin: () => undefined,
      write: () => {
        begun.give()
        return true
      },
    }
    const cancel = connectionOf().transport(requestOf({ origin: server.origin, sink }), handler)
    await begun.given
    cancel()
    await closed(server.sockets[0])
    expect(handler.calls).toEqual([])
  })

  it('from within the sink', async () => {
    const server = await http((_request, response) => response.end(Buffer.alloc(2 ** 20)))
    const handler = recorder()
    const written = signal()
    let writes = 0
    const cancel = connectionOf().transport(
      requestOf({
        origin: server.origin,
        sink: {
          begin: () => undefined,
          write: () => {
            writes += 1
            cancel()
            written.give()
            return true
          },
        },
      }),
      handler,
    )
    await written.given
    await closed(server.sockets[0])
    expect(writes).toBe(1)
    expect(handler.calls).toEqual([])
  })

  it('in the middle of an upload: closes the socket and finalises the body', async () => {
    const arrived = signal()
    const server = await http((request) => {
      request.on('data', () => {
        arrived.give()
      })
    })
    const finalised = signal()
    const handler = recorder()
    const cancel = connectionOf().transport(
      requestOf({
        origin: server.origin,
        method: 'PUT',
        async *body() {
          try {
            for (;;) {
              yield Buffer.alloc(1_000)
              await new Promise((resolve) => {
                setImmediate(resolve)
              })
            }
          } finally {
            finalised.give()
          }
        },
      }),
      handler,
    )
    await arrived.given
    cancel()
    await Promise.all([finalised.given, closed(server.sockets[0])])
    expect(handler.calls).toEqual([])
  })

  it('after the end: the connection is still good', async () => {
    const server = await http((_request, response) => response.end())
    const { transport } = connectionOf({ connections: 1 })
    const answered = signal()
    const cancel = transport(requestOf({ origin: server.origin }), {
      next: () => {
        answered.give()
      },
      error: () => undefined,
    })
    await answered.given
    cancel()
    await send(transport, requestOf({ origin: server.origin }))
    expect(server.sockets).toHaveLength(1)
  })
})

describe('close', () => {
  it('ends connections, requests under way, and all later ones', async () => {
    const { listener, until } = holding()
    const server = await http(listener)
    const connection = connectionOf()
    const pending = failureOf(connection.transport, requestOf({ origin: server.origin }))
    await until(1)
    connection.close()
    connection.close()
    expect(await pending).toMatchObject({ code: 'SKY_NETWORK', retryable: false })
    await closed(server.sockets[0])
    const late = await failureOf(connection.transport, requestOf({ origin: server.origin }))
    expect(late).toMatchObject({ code: 'SKY_NETWORK', retryable: false })
    expect(late.message).toContain('the client is closed')
    expect(server.seen).toHaveLength(1)
  })
})

describe('TLS', () => {
  const fixture = (name: string): string =>
    readFileSync(new URL(`../fixtures/localhost.${name}.pem`, import.meta.url), 'utf8')

  async function https(): Promise<Loopback> {
    const secure = createSecureServer({ cert: fixture('cert'), key: fixture('key') })
    const server = await serveHttp((_request, response) => response.end('secret'), secure)
    cleanups.push(server.close)
    return { ...server, origin: `https://localhost:${String(server.port)}` }
  }

  it('trusts the given certificates and no others', async () => {
    const { origin } = await https()
    const trusted = await send(connectionOf({ ca: fixture('cert') }).transport, requestOf({ origin }))
    expect(trusted.status).toBe(200)
    const list = await send(connectionOf({ ca: [fixture('cert')] }).transport, requestOf({ origin }))
    expect(list.status).toBe(200)
    const strange = await failureOf(connectionOf().transport, requestOf({ origin }))
    expect(strange).toMatchObject({ errno: 'DEPTH_ZERO_SELF_SIGNED_CERT', retryable: false })
    const blind = await send(connectionOf({ rejectUnauthorized: false }).transport, requestOf({ origin }))
    expect(blind.status).toBe(200)
  })

  it('reaches https through the tunnel of a proxy, certificates included', async () => {
    const server = await https()
    const proxy = await tunnel(server.port)
    const origin = `https://cloud.test:${String(server.port)}`
    const { transport } = connectionOf({ proxy: proxy.origin, ca: fixture('cert') })
    expect((await send(transport, requestOf({ origin }))).status).toBe(200)
    expect(proxy.tunnels).toEqual([`cloud.test:${String(server.port)}`])
    const strange = await failureOf(connectionOf({ proxy: proxy.origin }).transport, requestOf({ origin }))
    expect(strange).toMatchObject({ errno: 'DEPTH_ZERO_SELF_SIGNED_CERT', retryable: false })
  })
})

/** A proxy that tunnels whatever name it is given to one port of this machine. */
async function tunnel(
  port: number,
  answer = 'HTTP/1.1 200 Connection established',
): Promise<Loopback & { readonly tunnels: string[]; readonly credentials: (string | undefined)[] }> {
  const tunnels: string[] = []
  const credentials: (string | undefined)[] = []
  const { createServer } = await import('node:http')
  const server = createServer()
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    tunnels.push(request.url ?? '')
    credentials.push(request.headers['proxy-authorization'])
    socket.write(`${answer}\r\n\r\n`)
    if (!answer.includes(' 200 ')) return
    const onward = connect(port, '127.0.0.1')
    onward.on('error', () => socket.destroy())
    socket.on('error', () => onward.destroy())
    socket.pipe(onward).pipe(socket)
  })
  const proxy = await serveHttp((_request, response) => {
    response.writeHead(501)
    response.end()
  }, server)
  cleanups.push(proxy.close)
  return { ...proxy, tunnels, credentials }
}

describe('proxies', () => {
  async function origin(): Promise<Loopback & { readonly hosts: (string | undefined)[] }> {
    const hosts: (string | undefined)[] = []
    const server = await http((request, response) => {
      hosts.push(request.headers.host)
      response.end()
    })
    return { ...server, hosts }
  }

  it('reaches plain http through a tunnel, and leaves shared headers alone', async () => {
    const server = await origin()
    const proxy = await tunnel(server.port)
    const { transport } = connectionOf({ proxy: proxy.origin.replace('//', '//user:pass%21@') })
    const headers = Object.freeze({ accept: 'application/json' })
    const host = `cloud.test:${String(server.port)}`
    await send(transport, requestOf({ origin: `http://${host}`, path: '/a/../b', headers }))
    expect(proxy.tunnels).toEqual([host])
    expect(proxy.credentials).toEqual([`Basic ${Buffer.from('user:pass!').toString('base64')}`])
    expect(server.seen).toEqual(['GET /a/../b'])
    expect(server.hosts).toEqual([host])
    expect(headers).toEqual({ accept: 'application/json' })
  })

  it('goes even to this machine through a proxy that was asked for', async () => {
    const server = await origin()
    const proxy = await tunnel(server.port)
    await send(connectionOf({ proxy: proxy.origin }).transport, requestOf({ origin: server.origin }))
    expect(proxy.tunnels).toEqual([`127.0.0.1:${String(server.port)}`])
  })

  it('a proxy that refuses is an error that is not tried again', async () => {
    const proxy = await tunnel(1, 'HTTP/1.1 407 Proxy Authentication Required')
    const { transport } = connectionOf({ proxy: proxy.origin })
    const error = await failureOf(transport, requestOf({ origin: 'http://cloud.test' }))
    expect(error).toMatchObject({ code: 'SKY_NETWORK', retryable: false })
    expect(error.message).toContain('407')
  })

  it('a proxy that is not there: nothing was sent', async () => {
    const gone = await serveTcp(() => undefined)
    await gone.close()
    const { transport } = connectionOf({ proxy: gone.origin })
    const error = await failureOf(transport, requestOf({ origin: 'http://cloud.test', method: 'POST' }))
    expect(error).toMatchObject({ errno: 'ECONNREFUSED', retryable: true })
  })

  it('takes the proxy of the environment, but not to this machine, nor where NO_PROXY says', async () => {
    const server = await origin()
    const proxy = await tunnel(server.port)
    for (const name of ['http_proxy', 'https_proxy', 'HTTPS_PROXY', 'no_proxy']) vi.stubEnv(name, undefined)
    vi.stubEnv('HTTP_PROXY', proxy.origin)
    vi.stubEnv('NO_PROXY', 'direct.invalid')
    const { transport } = connectionOf({ proxy: undefined as never })
    await send(transport, requestOf({ origin: `http://cloud.test:${String(server.port)}` }))
    expect(proxy.tunnels).toEqual([`cloud.test:${String(server.port)}`])

    await send(transport, requestOf({ origin: server.origin }))
    await failureOf(transport, requestOf({ origin: `http://direct.invalid:${String(server.port)}` }))
    await failureOf(
      connectionOf({ proxy: false }).transport,
      requestOf({ origin: `http://other.invalid:${String(server.port)}` }),
    )
    expect(proxy.tunnels).toHaveLength(1)
    expect(server.seen).toHaveLength(2)
  })
})
