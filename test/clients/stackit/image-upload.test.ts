import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { firstValueFrom, lastValueFrom, Subject, toArray } from 'rxjs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createStackit, uploadImage, type ImageUploadEvent } from '../../../src/clients/stackit/index.js'
import { iaas } from '../../../src/clients/stackit/services/iaas/index.js'
import { TransferError, type CloudError } from '../../../src/errors.js'
import type { TrafficEvent } from '../../../src/http/types.js'
import { result } from '../../../src/operators/result.js'
import { serveHttp, type Loopback } from '../../http/loopback.js'

const projectId = '11111111-1111-4111-8111-111111111111'
const imageId = '22222222-2222-4222-8222-222222222222'
const secret = 'signed-with-s3cret'
const content = Buffer.alloc(3 * 2 ** 20 + 5, 'image')
const args = { body: { name: 'debian', diskFormat: 'qcow2' } } as const

interface Put {
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** What the service does with an image, and what it was sent. */
interface Service {
  server: Loopback
  readonly requests: string[]
  readonly puts: Put[]
  readonly states: object[]
  answerPut: (response: ServerResponse) => void
  readonly cut: Subject<void>
  /** Bytes after which the content is not read any more. */
  stopAt: number
}

const service: Service = {
  server: undefined as never,
  requests: [],
  puts: [],
  states: [],
  answerPut: () => undefined,
  cut: new Subject(),
  stopAt: Infinity,
}
let folder = ''
let path = ''

function reply(response: ServerResponse, status: number, body?: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function take(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  let length = 0
  request.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    length += chunk.length
    if (length >= service.stopAt) request.pause()
  })
  request.on('end', () => {
    service.puts.push({ headers: request.headers, body: Buffer.concat(chunks) })
    service.answerPut(response)
  })
  response.on('close', () => {
    if (!request.complete) service.cut.next()
  })
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { method = '', url = '' } = request
  service.requests.push(`${method} ${url.split('?')[0] ?? ''}`)
  if (method === 'PUT') {
    take(request, response)
  } else if (method === 'POST') {
    request.resume()
    const uploadUrl = `${service.server.origin}/upload/7?signature=${secret}`
    reply(response, 201, { id: imageId, uploadUrl })
  } else {
    const state = service.states.length > 1 ? service.states.shift() : service.states[0]
    reply(response, 200, { id: imageId, name: 'debian', diskFormat: 'qcow2', ...state })
  }
}

beforeAll(async () => {
  service.server = await serveHttp(answer)
  folder = mkdtempSync(join(tmpdir(), 'skystream-image-'))
  path = join(folder, 'debian.qcow2')
  writeFileSync(path, content)
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await service.server.close()
})
beforeEach(() => {
  service.requests.length = 0
  service.puts.length = 0
  service.stopAt = Infinity
  service.states.splice(0, Infinity, { status: 'AVAILABLE' })
  service.answerPut = (response) => {
    reply(response, 200)
  }
})

const clients: { close(): void }[] = []
afterEach(() => {
  for (const client of clients.splice(0)) client.close()
})
function connect() {
  const cloud = createStackit({
    services: { iaas },
    projectId,
    region: 'eu01',
    token: 'the-token',
    endpoints: { iaas: service.server.origin },
    credentialSources: { env: {}, home: '' },
  })
  clients.push(cloud)
  return cloud
}

const images = `/v2/projects/${projectId}/regions/eu01/images`
const fast = { interval: 1 }

async function failureOf(events: ReturnType<typeof uploadImage>): Promise<CloudError> {
  return lastValueFrom(events).then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error as CloudError,
  )
}

describe('an image', () => {
  it('is created, sent in one request without a token, and imported', async () => {
    service.states.splice(
      0,
      Infinity,
      { status: 'CREATING' },
      { status: 'CREATING', importProgress: 60 },
      { status: 'AVAILABLE', importProgress: 100 },
    )
    const events = await lastValueFrom(uploadImage(connect(), path, args, fast).pipe(toArray()))
    expect(service.requests).toEqual([
      `POST ${images}`,
      'PUT /upload/7',
      ...Array<string>(3).fill(`GET ${images}/${imageId}`),
    ])
    expect(service.puts[0]?.body.equals(content)).toBe(true)
    expect(service.puts[0]?.headers).toMatchObject({
      'content-length': String(content.length),
      'content-type': 'application/octet-stream',
    })
    expect(service.puts[0]?.headers).not.toHaveProperty('authorization')
    expect(service.puts[0]?.headers).not.toHaveProperty('transfer-encoding')

    const kinds = [...new Set(events.map(({ kind }) => kind))]
    expect(kinds).toEqual(['planned', 'progress', 'importing', 'done'])
    expect(events[0]).toMatchObject({ totalBytes: content.length, totalParts: 1 })
    const progress = events.flatMap((event) => (event.kind === 'progress' ? [event] : []))
    expect(progress.at(-1)).toMatchObject({ bytes: content.length, parts: 1, totalParts: 1 })
    expect(progress.map(({ bytes }) => bytes)).toEqual(
      progress.map(({ bytes }) => bytes).sort((a, b) => a - b),
    )
    const importing = events.flatMap((event) => (event.kind === 'importing' ? [event] : []))
    expect(importing.map(({ percent }) => percent)).toEqual([undefined, 60, 100])
    expect(importing[0]?.ref).toMatchObject({
      operation: 'stackit.iaas.uploadImage',
      args: { imageId, projectId, region: 'eu01' },
    })
    expect(events.at(-1)).toMatchObject({
      kind: 'done',
      bytes: content.length,
      result: { id: imageId, status: 'AVAILABLE' },
    })
  })

  it('may be bytes, also none', async () => {
    for (const bytes of [Buffer.from('tiny'), Buffer.alloc(0)]) {
      service.puts.length = 0
      const image = await lastValueFrom(uploadImage(connect(), bytes, args, fast).pipe(result()))
      expect(image).toMatchObject({ id: imageId })
      expect(service.puts[0]?.body.equals(bytes)).toBe(true)
    }
  })

  it('is not created of what cannot be read', async () => {
    const error = await failureOf(uploadImage(connect(), join(folder, 'missing'), args))
    expect(error.message).toContain('there is no such file')
    expect(service.requests).toEqual([])
    expect(() => uploadImage(connect(), Readable.from(['x']), args)).toThrow('length of a stream')
    expect(() => uploadImage(connect(), path, {} as never)).toThrow('args.body')
    expect(() => uploadImage(connect(), path, args, { interval: -1 })).toThrow('interval')
  })

  it('that is refused is named in the error, and the address it was sent to is not', async () => {
    service.answerPut = (response) => {
      reply(response, 403, { message: `not with ${secret}` })
    }
    const cloud = connect()
    const traffic: TrafficEvent[] = []
    cloud.traffic.subscribe((event) => traffic.push(event))
    const error = await failureOf(uploadImage(cloud, path, args, fast))
    expect(error).toBeInstanceOf(TransferError)
    expect(error.message).toContain(imageId)
    expect(error.cause).toMatchObject({ status: 403 })
    expect(service.puts).toHaveLength(1)
    for (const text of [
      inspect(error, { depth: 9 }),
      JSON.stringify(error),
      inspect(traffic, { depth: 9 }),
    ]) {
      expect(text).not.toMatch(/upload\/7|s3cret/)
    }
    expect(traffic.map(({ kind }) => kind)).toContain('request')
  })

  it('is sent once only, also when the service fails', async () => {
    service.answerPut = (response) => {
      reply(response, 503)
    }
    expect((await failureOf(uploadImage(connect(), path, args, fast))).cause).toMatchObject({ status: 503 })
    expect(service.puts).toHaveLength(1)
  })

  it('may fail to be imported', async () => {
    service.states.splice(0, Infinity, { status: 'CREATING' }, { status: 'ERROR' })
    expect(await failureOf(uploadImage(connect(), path, args, fast))).toMatchObject({
      code: 'SKY_OPERATION_FAILED',
      state: 'ERROR',
    })
  })

  it('is not sent any further when nobody listens', async () => {
    service.stopAt = 1.5 * 2 ** 20
    const events: ImageUploadEvent[] = []
    const cut = firstValueFrom(service.cut)
    const begun = new Subject<void>()
    const subscription = uploadImage(connect(), path, args).subscribe({
      next: (event) => {
        events.push(event)
        if (event.kind === 'progress') begun.next()
      },
      error: (error: unknown) => {
        begun.error(error)
      },
    })
    await firstValueFrom(begun)
    subscription.unsubscribe()
    await cut
    expect(service.puts).toEqual([])
    expect(events.map(({ kind }) => kind)).not.toContain('importing')
  })

  it('stops with the reason of a signal', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const failure = failureOf(uploadImage(connect(), path, args, { signal: controller.signal }))
    controller.abort(reason)
    expect(await failure).toBe(reason)
    expect(service.puts).toEqual([])
  })
})
