import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setImmediate as nextLoop } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  defer,
  EMPTY,
  firstValueFrom,
  forkJoin,
  lastValueFrom,
  map,
  mergeMap,
  range,
  repeat,
  take,
  tap,
  timer,
  toArray,
  type Observable,
  type Subscription,
} from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStackit, type StackitClient, type StackitConfig } from '../../src/clients/stackit/index.js'
import { serviceAccount } from '../../src/clients/stackit/services/service-account/index.js'
import { createSynnefo, type SynnefoClient, type SynnefoConfig } from '../../src/clients/synnefo/index.js'
import { isCloudError, type CloudError } from '../../src/errors.js'
import type { BodySink, Middleware } from '../../src/http/types.js'
import { constant } from '../../src/operators/index.js'
import { memorySink } from '../../src/streams/sinks.js'
import {
  startCloud,
  type CloudOptions,
  type EmbeddedCloud,
  type FaultKind,
  type RecordedRequest,
} from '../../src/testing/cloud/index.js'
import { closed, signal } from '../http/loopback.js'
import type { ExitPlan, ExitReport } from './exit-program.js'

const BLOCK = 1024
const waiting = { timeout: 20_000, interval: 5 }

// --- what all tests stand on: a world of its own for each, since they run at the same time --------------------

/** What the servers in this process received, seen from their side of the wire. */
interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly socket: Socket
}
const arrivals = new Map<number, Arrival[]>()
const unhandled: unknown[] = []
function noteArrival(message: unknown): void {
  const { request, response, socket } = message as Arrival
  const port = socket.localPort ?? 0
  const known = arrivals.get(port)
  if (known === undefined) arrivals.set(port, [{ request, response, socket }])
  else known.push({ request, response, socket })
}
function noteUnhandled(reason: unknown): void {
  unhandled.push(reason)
}
beforeAll(() => {
  subscribe('http.server.request.start', noteArrival)
  process.on('unhandledRejection', noteUnhandled)
})
afterAll(() => {
  unsubscribe('http.server.request.start', noteArrival)
  process.off('unhandledRejection', noteUnhandled)
})

type StackitOptions = Omit<StackitConfig, 'services'>

interface World {
  readonly cloud: EmbeddedCloud
  readonly synnefo: (config?: Partial<SynnefoConfig>) => SynnefoClient
  readonly stackit: (
    config?: StackitOptions,
  ) => StackitClient<{ readonly serviceAccount: typeof serviceAccount }>
  readonly folder: string
  /** What arrived at the cloud whose address this is. */
  readonly arrivedAt: (url: string) => readonly Arrival[]
}

async function inWorld<T>(options: CloudOptions, use: (world: World) => Promise<T>): Promise<T> {
  const cloud = await startCloud({ clouds: ['synnefo'], ...options })
  const folder = mkdtempSync(join(tmpdir(), 'skystream-promises-'))
  const clients: { close(): void }[] = []
  const keep = <C extends { close(): void }>(client: C): C => {
    clients.push(client)
    return client
  }
  try {
    return await use({
      cloud,
      folder,
      arrivedAt: (url) => arrivals.get(Number(new URL(url).port)) ?? [],
      synnefo: (config = {}) => {
        const { authUrl, token } = cloud.synnefo
        return keep(createSynnefo({ authUrl, token, retry: { backoff: constant(1) }, ...config }))
      },
      stackit: (config = {}) => {
        const own = 'serviceAccountKey' in config ? {} : ofCloud(cloud)
        return keep(
          createStackit({
            ...own,
            retry: { backoff: constant(1) },
            credentialSources: { env: {}, home: '' },
            ...config,
            services: { serviceAccount },
          }),
        )
      },
    })
  } finally {
    for (const client of clients) client.close()
    await cloud.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const ofCloud = ({ stackit }: EmbeddedCloud): StackitOptions => ({
  serviceAccountKey: stackit.serviceAccountKey,
  endpoints: { 'service-account': stackit.endpoint('service-account') },
})

/** Bytes of which no two blocks are the same. */
function bytes(length: number): Buffer {
  const content = Buffer.alloc(length)
  let state = 1
  for (let index = 0; index < length; index += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    content.fill(state >>> 24, index, index + 4)
  }
  for (let index = 0; index < length; index += BLOCK) content.writeUInt16LE(index / BLOCK, index)
  return content
}

async function errorOf(calls: Observable<unknown>): Promise<unknown> {
  return lastValueFrom(calls, { defaultValue: undefined }).then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error,
  )
}

async function serverIn({ cloud, synnefo }: World): Promise<number> {
  const imageRef = cloud.synnefo.images.find(({ outcome }) => outcome === 'active')?.id ?? ''
  const spec = { name: 'web-1', flavorRef: 1, imageRef }
  const { id } = await firstValueFrom(synnefo().servers.create(spec))
  return Number(id)
}

const containerOf = ({ synnefo }: World): Promise<unknown> =>
  lastValueFrom(synnefo().pithos.containers.create('c'))

const blocks = { method: 'POST', path: /\/object-store\/v1\/[^/]+\/c$/ } as const
const objects = /\/object-store\/v1\/[^/]+\/c\/.+/
/** The first GET of an object is that of its hashes. */
const ranges = { method: 'GET', path: objects, skip: 1 } as const
const statuses = (requests: readonly RecordedRequest[], status: number): number =>
  requests.filter((request) => request.status === status).length

// --- 1 ----------------------------------------------------------------------------------------------------------

describe.concurrent('a program that never closes its client ends by itself', () => {
  const program = fileURLToPath(new URL('./exit-program.ts', import.meta.url))
  const held: FaultKind = { kind: 'delay', ms: 60_000 }
  const never = { clock: { manual: true }, synnefo: { blockSize: BLOCK } } as const

  it.each<{
    what: string
    scenario: ExitPlan['scenario']
    prepare?: (world: World) => Promise<unknown>
    /** Requests that the cloud has seen when the program is to leave. */
    arrived?: { readonly method: string; readonly path: RegExp; readonly count: number }
  }>([
    { what: 'after a call', scenario: 'get' },
    { what: 'with a token that is to be renewed some time', scenario: 'renewal' },
    {
      what: 'after leaving a call whose answer has not come',
      scenario: 'held',
      prepare: async ({ cloud }) => {
        cloud.faults.add({
          method: 'GET',
          path: '/compute/v2.0/servers/*',
          fault: { kind: 'slow-first-byte', ms: 60_000 },
        })
      },
      arrived: { method: 'GET', path: /\/servers\/\d+$/, count: 1 },
    },
    {
      what: 'after leaving the watch of a build between two polls',
      scenario: 'watch',
      arrived: { method: 'GET', path: /\/servers\/\d+$/, count: 1 },
    },
    {
      what: 'after leaving an upload midway',
      scenario: 'upload',
      prepare: async ({ cloud, folder }) => {
        writeFileSync(join(folder, 'file'), bytes(20 * BLOCK))
        cloud.faults.add({ ...blocks, skip: 4, times: Infinity, fault: held })
      },
      arrived: { ...blocks, count: 6 },
    },
    {
      what: 'after leaving a download midway',
      scenario: 'download',
      prepare: async ({ cloud, synnefo }) => {
        await lastValueFrom(synnefo().pithos.upload(bytes(20 * BLOCK), 'c/down'))
        cloud.faults.add({ ...ranges, skip: 5, times: Infinity, fault: held })
      },
      arrived: { method: 'GET', path: objects, count: 7 },
    },
  ])('$what', async ({ scenario, prepare, arrived }) => {
    await inWorld(never, async (world) => {
      const { cloud, folder } = world
      await containerOf(world)
      const serverId = await serverIn(world)
      await prepare?.(world)
      const { authUrl, token } = cloud.synnefo
      const plan: ExitPlan = { authUrl, token, scenario, serverId, file: join(folder, 'file') }
      const before = arrived === undefined ? 0 : cloud.requests(arrived).length
      const child = spawn(process.execPath, ['--import', 'tsx', program, JSON.stringify(plan)], {
        stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      })
      // In time before the test itself is given up, so that the child is ended below.
      const exited = once(child, 'exit', { signal: AbortSignal.timeout(25_000) })
      try {
        if (arrived !== undefined) {
          const count = (): number =>
            cloud.requests(arrived).filter(({ status }) => scenario !== 'watch' || status !== undefined)
              .length
          await expect.poll(() => count() - before, waiting).toBe(arrived.count)
          child.send('leave')
        }
        const printed = text(child.stdout!)
        expect(await exited).toEqual([0, null])
        const report = JSON.parse(await printed) as ExitReport
        expect(report.kept).toEqual([])
        // An idle connection is kept for 5 seconds, the next poll is due after a minute, the renewal after days.
        expect(report.endedAfterMs).toBeLessThan(3_000)
        expect(report).toMatchObject({ token: 'valid', pendingRenewals: 1 })
      } finally {
        child.kill('SIGKILL')
      }
      if (arrived !== undefined) expect(cloud.requests(arrived).length - before).toBe(arrived.count)
      expect(existsSync(join(folder, 'file'))).toBe(scenario === 'upload')
    })
  })
})

// --- 2 ----------------------------------------------------------------------------------------------------------

describe.concurrent('unsubscribing closes the connection, and the cloud sees it', () => {
  const large = 16 * 2 ** 20

  it('before the headers of an answer', async () => {
    await inWorld({}, async (world) => {
      const { cloud, synnefo, arrivedAt } = world
      const id = await serverIn(world)
      cloud.faults.add({
        method: 'GET',
        path: '/compute/v2.0/servers/*',
        fault: { kind: 'slow-first-byte', ms: 60_000 },
      })
      const subscription = synnefo().servers.get(id).subscribe()
      const path = `/compute/v2.0/servers/${id}`
      await expect.poll(() => cloud.requests({ path }).length, waiting).toBe(1)
      const arrival = arrivedAt(cloud.synnefo.url).at(-1)!
      expect(arrival.request.url).toBe(path)
      expect(arrival.socket.destroyed).toBe(false)
      subscription.unsubscribe()
      await closed(arrival.socket)
      expect(arrival.response.headersSent).toBe(false)
      expect(cloud.requests({ path })).toHaveLength(1)
    })
  })

  it('in the middle of the body of a download', async () => {
    await inWorld({ synnefo: { blockSize: large } }, async (world) => {
      const { cloud, synnefo, folder, arrivedAt } = world
      await containerOf(world)
      await lastValueFrom(synnefo().pithos.upload(Buffer.alloc(large, 'x'), 'c/a'))
      const begun = signal<number>()
      const leaving = onFirstChunk((size) => {
        subscription.unsubscribe()
        begun.give(size)
      })
      const target = join(folder, 'out')
      const subscription: Subscription = synnefo({ middleware: [leaving] })
        .pithos.download('c/a', target)
        .subscribe()
      expect(await begun.given).toBeLessThan(large)
      const { request, response, socket } = arrivedAt(cloud.synnefo.url).at(-1)!
      expect(request.headers.range).toBeDefined()
      await closed(socket)
      expect(response.headersSent).toBe(true)
      // Bytes were under way that nobody read: what is read whole closes without an error.
      expect(socket.errored).toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string })
      expect(readdirSync(folder)).toEqual(['out.part'])
    })
  })

  it('in the middle of the body of an upload', async () => {
    await inWorld({ synnefo: { blockSize: large } }, async (world) => {
      const { cloud, synnefo, arrivedAt } = world
      await containerOf(world)
      const subscription = synnefo().pithos.upload(Buffer.alloc(large, 'x'), 'c/a').subscribe()
      // The body takes many loops of events; each look here is one.
      while ((cloud.requests(blocks).at(-1)?.bytes ?? 0) === 0) await nextLoop()
      subscription.unsubscribe()
      const { request, response, socket } = arrivedAt(cloud.synnefo.url).at(-1)!
      expect(request.method).toBe('POST')
      await closed(socket)
      expect(request.complete).toBe(false)
      expect(response.headersSent).toBe(false)
      const [sent, ...more] = cloud.requests(blocks)
      expect(more).toEqual([])
      expect(sent?.bytes).toBeLessThan(large)
      expect(sent?.status).toBeUndefined()
    })
  })

  /** Tells of the first piece of the body of a range, in the midst of it. */
  function onFirstChunk(tell: (size: number) => void): Middleware {
    const watched = (sink: BodySink): BodySink => {
      let isFirst = true
      return {
        begin: (status, headers) => {
          sink.begin(status, headers)
        },
        write: (chunk, resume) => {
          const more = sink.write(chunk, resume)
          if (isFirst) tell(chunk.length)
          isFirst = false
          return more
        },
      }
    }
    return (next) => (request, handler) =>
      next({ ...request, sink: request.sink === undefined ? undefined : watched(request.sink) }, handler)
  }
})

// --- 3 ----------------------------------------------------------------------------------------------------------

describe.concurrent('a token that ends', () => {
  it('in the middle of an upload is renewed, and nothing of it is to be seen', async () => {
    await inWorld({ synnefo: { blockSize: BLOCK, tokenLifetimeMs: 500 } }, async (world) => {
      const { cloud, synnefo } = world
      await containerOf(world)
      let renewals = 0
      const renew = (): string => {
        renewals += 1
        return cloud.synnefo.renewToken()
      }
      // 40 blocks, two at a time, 60 ms each: 1,200 ms, two lives of a token and more.
      cloud.faults.add({ ...blocks, times: Infinity, fault: { kind: 'slow-first-byte', ms: 60 } })
      const client = synnefo({ token: cloud.synnefo.renewToken(), renew })
      const content = bytes(40 * BLOCK)
      const events = await lastValueFrom(
        client.pithos.upload(content, 'c/a', { concurrency: 2 }).pipe(toArray()),
      )
      expect(events.at(-1)).toMatchObject({ kind: 'done', bytes: 40 * BLOCK })
      expect(events.filter(({ kind }) => kind === 'retrying')).toEqual([])
      expect(renewals).toBeGreaterThan(0)
      // This cloud kills the old token at once: what is under way with it then is sent once more.
      expect(statuses(cloud.requests(), 401)).toBeLessThanOrEqual(2 * renewals)
      const sink = memorySink()
      await lastValueFrom(client.pithos.download('c/a', sink))
      expect(content.equals(sink.bytes)).toBe(true)
    })
  })

  it('while a block and while a poll are on their way costs each one replay', async () => {
    await inWorld({ synnefo: { blockSize: BLOCK, tokenLifetimeMs: 600 } }, async (world) => {
      const { cloud, synnefo } = world
      await containerOf(world)
      const id = await serverIn(world)
      const client = synnefo({ token: cloud.synnefo.renewToken(), renew: () => cloud.synnefo.renewToken() })
      // The token is looked at after its end only.
      cloud.faults.add({ ...blocks, skip: 2, fault: { kind: 'delay', ms: 700 } })
      const upload = client.pithos.upload(bytes(5 * BLOCK), 'c/a', { concurrency: 1 })
      const moved = await lastValueFrom(upload.pipe(toArray()))
      expect(moved.at(-1)).toMatchObject({ kind: 'done', bytes: 5 * BLOCK })
      expect(cloud.requests(blocks).map(({ status }) => status)).toEqual([202, 202, 401, 202, 202, 202])

      const path = `/compute/v2.0/servers/${id}`
      cloud.faults.add({ path, skip: 1, fault: { kind: 'delay', ms: 700 } })
      const polls = client.servers.watch(id, { until: 'ACTIVE', interval: 5, distinct: false })
      const watched = await lastValueFrom(polls.pipe(take(3), toArray()))
      expect(watched.map(({ kind }) => kind)).toEqual(['progress', 'progress', 'progress'])
      expect(cloud.requests({ path }).map(({ status }) => status)).toEqual([200, 401, 200, 200])
    })
  })

  it('every second or two, at STACKIT, fails no call of many', async () => {
    const stackit = { tokenLifetimeMs: 1_000 }
    await inWorld({ clouds: ['stackit'], stackit }, async ({ cloud, stackit: connect }) => {
      const { projectId, serviceAccountEmail } = cloud.stackit
      const client = connect()
      const list = client.serviceAccount.listServiceAccountKeys({ projectId, serviceAccountEmail })
      const end = Date.now() + 3_500
      const next = { delay: () => (Date.now() < end ? timer(5) : EMPTY) }
      const caller = list.pipe(repeat(next), toArray())
      const answers = await lastValueFrom(forkJoin(Array.from({ length: 4 }, () => caller)))
      const calls = answers.flat()
      expect(calls.length).toBeGreaterThan(100)
      expect(calls.every(({ items }) => items[0]?.id === cloud.stackit.serviceAccountKey.id)).toBe(true)
      const grants = cloud.requests({ path: '/token' })
      expect(statuses(grants, 200)).toBeGreaterThan(1)
      // One may be under way.
      expect(grants.filter(({ status = 200 }) => status !== 200)).toEqual([])
      expect(statuses(cloud.requests({ path: '/service-account/*' }), 401)).toBe(0)
    })
  })
})

// --- 4 ----------------------------------------------------------------------------------------------------------

describe.concurrent('however many call', () => {
  interface Case {
    readonly cloud: 'synnefo' | 'stackit'
    readonly grants: string
    readonly calls: string
    readonly connect: (world: World, config: Pick<SynnefoConfig, 'connection'>) => () => Observable<unknown>
    readonly revoke: (cloud: EmbeddedCloud) => void
  }
  const cases: readonly Case[] = [
    {
      cloud: 'synnefo',
      grants: '/identity/v2.0/tokens',
      calls: '/compute/v2.0/flavors/*',
      connect: ({ cloud, synnefo }, config) => {
        const client = synnefo({ ...config, renew: () => cloud.synnefo.renewToken() })
        return () => client.flavors.get(1)
      },
      revoke: ({ synnefo }) => {
        synnefo.revokeToken(synnefo.token)
      },
    },
    {
      cloud: 'stackit',
      grants: '/token',
      calls: '/service-account/*',
      connect: ({ cloud, stackit }, config) => {
        const client = stackit(config)
        const { projectId, serviceAccountEmail } = cloud.stackit
        return () => client.serviceAccount.listServiceAccountKeys({ projectId, serviceAccountEmail })
      },
      revoke: ({ stackit }) => {
        stackit.revokeTokens('access')
      },
    },
  ]
  const all = (count: number, call: () => Observable<unknown>): Promise<unknown[]> =>
    lastValueFrom(range(0, count).pipe(mergeMap(call), toArray()))

  it.each(cases)('$cloud: 1,000 first calls at once make one request for a token', async (one) => {
    await inWorld({ clouds: [one.cloud] }, async (world) => {
      const answers = await all(1_000, one.connect(world, {}))
      expect(answers).toHaveLength(1_000)
      expect(world.cloud.requests({ path: one.grants }).map(({ status }) => status)).toEqual([200])
      expect(statuses(world.cloud.requests({ path: one.calls }), 200)).toBe(1_000)
    })
  })

  it.each(cases)('$cloud: a token revoked under 200 calls in flight is renewed once', async (one) => {
    await inWorld({ clouds: [one.cloud] }, async (world) => {
      const { cloud } = world
      const call = one.connect(world, { connection: { connections: 200 } })
      await lastValueFrom(call())
      // All are there when the token goes, and all are looked at afterwards.
      cloud.faults.add({ path: one.calls, times: 200, fault: { kind: 'delay', ms: 2_000 } })
      const answers = all(200, call)
      await expect.poll(() => cloud.requests({ path: one.calls }).length, waiting).toBe(201)
      one.revoke(cloud)
      expect(await answers).toHaveLength(200)
      expect(statuses(cloud.requests({ path: one.calls }), 401)).toBe(200)
      expect(statuses(cloud.requests({ path: one.calls }), 200)).toBe(201)
      expect(cloud.requests({ path: one.calls })).toHaveLength(401)
      expect(cloud.requests({ path: one.grants }).map(({ status }) => status)).toEqual([200, 200])
    })
  })
})

// --- 6 ----------------------------------------------------------------------------------------------------------

describe.concurrent('bad input is an error that says what and where', () => {
  interface Case {
    readonly what: string
    readonly use: (world: World, inFolder: (name: string) => string) => Observable<unknown>
    readonly code: string
    readonly says: RegExp
    readonly cause?: object
    /** Requests but that for the token. */
    readonly requests: number
  }
  const upload = (world: World, path: string, target = 'c/up'): Observable<unknown> =>
    world.synnefo().pithos.upload(path, target)
  /** Whatever it sent would arrive at the same place. */
  const keyed = ({ cloud, stackit }: World, config: StackitOptions): Observable<unknown> => {
    const { url } = cloud.synnefo
    const client = stackit({
      serviceAccountKey: undefined,
      tokenEndpoint: `${url}/token`,
      endpoints: { 'service-account': url },
      ...config,
    })
    return client.serviceAccount.listServiceAccountKeys({ projectId: 'p', serviceAccountEmail: 'e' })
  }

  it.each<Case>([
    {
      what: 'a source that is missing',
      use: (world, inFolder) => upload(world, inFolder('missing')),
      code: 'SKY_TRANSFER',
      says: /^upload of c\/up stopped: cannot read \/.*\/missing: there is no such file/,
      requests: 0,
    },
    {
      what: 'a source that is a directory',
      use: (world, inFolder) => upload(world, inFolder('folder')),
      code: 'SKY_TRANSFER',
      says: /^upload of c\/up stopped: cannot read \/.*\/folder: it is a directory/,
      requests: 0,
    },
    {
      what: 'an upload into a container that is missing',
      use: (world, inFolder) => upload(world, inFolder('file'), 'nowhere/up'),
      code: 'SKY_HTTP_NOT_FOUND',
      says: /^synnefo\.pithos\.containers\.get: HEAD http\S+\/nowhere\?format=json answered 404/,
      requests: 1,
    },
    {
      what: 'a download of an object that is missing',
      use: ({ synnefo }, inFolder) => synnefo().pithos.download('nowhere/at-all', inFolder('out')),
      code: 'SKY_HTTP_NOT_FOUND',
      says: /HEAD http\S+\/nowhere\/at-all\?format=json answered 404/,
      requests: 1,
    },
    {
      what: 'a destination in a directory that is missing',
      use: ({ synnefo }, inFolder) => synnefo().pithos.download('c/a', inFolder('missing/out')),
      code: 'SKY_TRANSFER',
      says: /^download of c\/a stopped: cannot write \/.*\/missing\/out: there is no directory/,
      requests: 2,
    },
    {
      what: 'a destination that is a directory',
      use: ({ synnefo }, inFolder) => synnefo().pithos.download('c/a', inFolder('folder')),
      code: 'SKY_TRANSFER',
      says: /^download of c\/a stopped: cannot write \/.*\/folder: it is there, and not a file/,
      requests: 2,
    },
    {
      what: 'a destination whose disk is full',
      use: ({ synnefo }) => synnefo().pithos.download('c/a', createWriteStream('/dev/full')),
      code: 'SKY_TRANSFER',
      says: /^download of c\/a stopped.*: cannot write .*(ENOSPC|no space)/,
      cause: { code: 'ENOSPC' },
      requests: 3,
    },
    {
      what: 'a service that the catalogue does not have',
      use: ({ synnefo }) => synnefo().identity.endpoint('compue'),
      code: 'SKY_CONFIGURATION',
      says: /^service type 'compue': the catalogue has no such service; it has: .*compute/,
      requests: 0,
    },
    {
      what: 'a service account key that cannot be read',
      use: (world, inFolder) => keyed(world, { serviceAccountKeyPath: inFolder('folder') }),
      code: 'SKY_CONFIGURATION',
      says: /^service account key file \/.*\/folder \(option serviceAccountKeyPath\) is a folder/,
      requests: 0,
    },
    {
      what: 'a service account key without its fields',
      use: (world, inFolder) => keyed(world, { serviceAccountKeyPath: inFolder('key.json') }),
      code: 'SKY_CONFIGURATION',
      says: /key\.json.*credentials/s,
      requests: 0,
    },
    {
      what: 'a credentials file that is malformed',
      use: (world, inFolder) => keyed(world, { credentialsPath: inFolder('credentials.json') }),
      code: 'SKY_CONFIGURATION',
      says: /^credentials file \/.*\/credentials\.json .*is not JSON/,
      requests: 0,
    },
  ])('$what', async ({ use, code, says, cause, requests }) => {
    await inWorld({ synnefo: { blockSize: BLOCK } }, async (world) => {
      const { cloud, synnefo, folder } = world
      const inFolder = (name: string): string => join(folder, name)
      mkdirSync(inFolder('folder'))
      writeFileSync(inFolder('file'), bytes(2 * BLOCK))
      writeFileSync(inFolder('key.json'), '{"id":"hush"}')
      writeFileSync(inFolder('credentials.json'), '{"STACKIT_SERVICE_ACCOUNT_TOKEN": hush')
      await containerOf(world)
      await lastValueFrom(synnefo().pithos.upload(bytes(BLOCK), 'c/a'))
      const before = readdirSync(folder, { recursive: true })
      const sent = cloud.requests().filter(notForToken).length
      const error = await errorOf(defer(() => use(world, inFolder)))
      expect(error).toMatchObject({ code, ...(cause === undefined ? {} : { cause }) })
      const { message } = error as CloudError
      expect(message).toMatch(says)
      expect(message).not.toContain('hush')
      expect(cloud.requests().filter(notForToken).length - sent).toBe(requests)
      expect(readdirSync(folder, { recursive: true })).toEqual(before)
      const names = await lastValueFrom(
        synnefo()
          .pithos.list('c')
          .pipe(
            map((item) => ('name' in item ? item.name : '')),
            toArray(),
          ),
      )
      expect(names).toEqual(['a'])
    })
  })

  const notForToken = ({ path }: RecordedRequest): boolean => path !== '/identity/v2.0/tokens'

  it('a block size that the operator changes during an upload is followed', async () => {
    await inWorld({ synnefo: { blockSize: BLOCK } }, async (world) => {
      const { cloud, synnefo } = world
      await containerOf(world)
      const { pithos } = synnefo()
      const content = bytes(8 * BLOCK)
      const changing = tap(({ kind }: { readonly kind: string }) => {
        if (kind === 'planned') cloud.synnefo.setBlockSize(2 * BLOCK)
      })
      const events = await lastValueFrom(pithos.upload(content, 'c/a').pipe(changing, toArray()))
      expect(events.filter(({ kind }) => kind === 'planned')).toMatchObject([
        { totalParts: 8 },
        { totalParts: 4 },
      ])
      const sink = memorySink()
      await lastValueFrom(pithos.download('c/a', sink))
      expect(content.equals(sink.bytes)).toBe(true)
    })
  })
})

// --- 7 ----------------------------------------------------------------------------------------------------------

interface Job {
  readonly name: string
  /** Requests that it takes when nothing goes wrong, that for the token among them. */
  readonly requests: number
  /** The requests whose answer, if it cannot be parsed, fails the whole: those with a body that is read. */
  readonly read: readonly number[]
  /** Makes what has to be there, and gives the id of the server if that is it. */
  readonly prepare: (world: World) => Promise<number>
  readonly run: (client: SynnefoClient, serverId: number, folder: string) => Observable<unknown>
  /** Looks whether what it did is right. */
  readonly verify: (world: World, result: unknown, serverId: number) => Promise<void>
}

const content = bytes(5 * BLOCK)
/** No more blocks than are hashed at a time, wherever the tests run: the server is asked for them once. */
const few = content.subarray(0, 3 * BLOCK)
const jobs: readonly Job[] = [
  {
    name: 'servers.get',
    requests: 2,
    read: [0, 1],
    prepare: serverIn,
    run: (client, id) => client.servers.get(id),
    verify: async (_world, result, id) => {
      expect(result).toMatchObject({ id, name: 'web-1' })
    },
  },
  {
    name: 'servers.list',
    requests: 2,
    read: [0, 1],
    prepare: serverIn,
    run: (client) => client.servers.list().pipe(toArray()),
    verify: async (_world, result, id) => {
      expect(result).toMatchObject([{ id, name: 'web-1' }])
    },
  },
  {
    name: 'pithos.upload',
    // Token, container, hashes, three blocks, hashes, object.
    requests: 8,
    read: [0, 2, 3, 4, 5],
    prepare: async (world) => {
      await containerOf(world)
      return 0
    },
    run: (client) => client.pithos.upload(few, 'c/up', { concurrency: 2 }).pipe(monotone()),
    verify: async ({ synnefo }, result) => {
      expect(result).toMatchObject({ kind: 'done', bytes: 3 * BLOCK })
      const sink = memorySink()
      await lastValueFrom(synnefo().pithos.download('c/up', sink))
      expect(few.equals(sink.bytes)).toBe(true)
    },
  },
  {
    name: 'pithos.download',
    // Token, object, hashes, five blocks.
    requests: 8,
    read: [0, 2],
    prepare: async (world) => {
      await containerOf(world)
      await lastValueFrom(world.synnefo().pithos.upload(content, 'c/down'))
      return 0
    },
    run: (client, _id, folder) =>
      client.pithos.download('c/down', join(folder, 'out'), { concurrency: 2 }).pipe(monotone()),
    verify: async ({ folder }, result) => {
      expect(result).toMatchObject({ kind: 'done', bytes: 5 * BLOCK, unverifiedBytes: 0 })
      expect(readFileSync(join(folder, 'out')).equals(content)).toBe(true)
      expect(readdirSync(folder)).toEqual(['out'])
    },
  },
]

/** Fails as soon as the bytes of the progress fall. */
function monotone<E extends { readonly kind: string }>(): (events: Observable<E>) => Observable<E> {
  return (events) =>
    defer(() => {
      let last = 0
      return events.pipe(
        tap((event) => {
          if (event.kind !== 'progress' && event.kind !== 'done') return
          const { bytes: now } = event as unknown as { readonly bytes: number }
          if (now < last) throw new Error(`bytes fell from ${last} to ${now}`)
          last = now
        }),
      )
    })
}

interface Row {
  readonly fault: FaultKind
  /** Code of the error if every request meets the fault; none: it succeeds all the same. */
  readonly always: string | undefined
}
const rows: readonly Row[] = [
  { fault: { kind: 'status', status: 500 }, always: 'SKY_HTTP_SERVER' },
  { fault: { kind: 'status', status: 503, retryAfter: 0 }, always: 'SKY_HTTP_SERVER' },
  { fault: { kind: 'status', status: 429, retryAfter: 0 }, always: 'SKY_HTTP_RATE_LIMIT' },
  { fault: { kind: 'delay', ms: 5 }, always: undefined },
  { fault: { kind: 'slow-first-byte', ms: 5 }, always: undefined },
  { fault: { kind: 'reset' }, always: 'SKY_NETWORK' },
  { fault: { kind: 'reset-mid-body', afterBytes: 10 }, always: 'SKY_NETWORK' },
  { fault: { kind: 'truncated-body', afterBytes: 10 }, always: 'SKY_NETWORK' },
  { fault: { kind: 'malformed-body' }, always: 'SKY_RESPONSE_FORMAT' },
  { fault: { kind: 'token-revoked' }, always: 'SKY_HTTP_AUTHENTICATION' },
  { fault: { kind: 'clock-skew', ms: -3_600_000 }, always: undefined },
  { fault: { kind: 'cut-request', afterBytes: 100 }, always: 'SKY_NETWORK' },
]
const described = ({ fault }: Row): string =>
  fault.kind === 'status' ? `status ${fault.status}` : fault.kind
const matrix = jobs.flatMap((job) =>
  rows.map((row) => ({ name: `${job.name}: ${described(row)}`, job, row })),
)

/** The error that says what happened; one that stopped a transfer is inside that of the transfer. */
function innermost(error: unknown): unknown {
  return isCloudError(error) && error.code === 'SKY_TRANSFER' ? error.cause : error
}

type Outcome = { readonly result: unknown } | { readonly error: unknown }
interface Run {
  readonly world: World
  readonly serverId: number
  readonly outcome: Outcome
  readonly requests: readonly RecordedRequest[]
}

/** Does the job with a new client in a new world in which requests meet the fault; then nothing may be left. */
async function runWith(
  { run, prepare }: Job,
  fault: FaultKind,
  where: { readonly skip: number; readonly times: number },
  look: (run: Run) => Promise<void>,
): Promise<void> {
  await inWorld({ synnefo: { blockSize: BLOCK } }, async (world) => {
    const { cloud, synnefo, folder, arrivedAt } = world
    const serverId = await prepare(world)
    const before = cloud.requests().length
    const sockets = new Set(arrivedAt(cloud.synnefo.url).map(({ socket }) => socket))
    const client = synnefo({ renew: () => cloud.synnefo.renewToken() })
    cloud.faults.add({ ...where, fault })
    const outcome = await lastValueFrom(run(client, serverId, folder)).then(
      (result): Outcome => ({ result }),
      (error: unknown): Outcome => ({ error }),
    )
    cloud.faults.clear()
    const requests = cloud.requests().slice(before)
    client.close()
    const own = arrivedAt(cloud.synnefo.url).filter(({ socket }) => !sockets.has(socket))
    expect(own.length).toBeGreaterThan(0)
    await Promise.all(own.map(({ socket }) => closed(socket)))
    expect(cloud.requests().filter(({ defect }) => defect !== undefined)).toEqual([])
    expect(unhandled).toEqual([])
    await look({ world, serverId, outcome, requests })
  })
}

describe.concurrent('every fault, in every request', () => {
  it.each(jobs)('$name takes so many requests when nothing goes wrong', async (job) => {
    await runWith(
      job,
      { kind: 'reset' },
      { skip: 1_000, times: 1 },
      async ({ world, serverId, outcome, requests }) => {
        if ('error' in outcome) throw outcome.error
        expect(requests).toHaveLength(job.requests)
        await job.verify(world, outcome.result, serverId)
      },
    )
  })

  it.each(matrix)('$name, once', async ({ job, row: { fault } }) => {
    const failed: number[] = []
    for (let skip = 0; skip < job.requests; skip += 1) {
      await runWith(job, fault, { skip, times: 1 }, async ({ world, serverId, outcome, requests }) => {
        expect(requests.filter(({ faults }) => faults.length > 0)).toHaveLength(1)
        // The request again; or a new token, and again all that were under way with the old one.
        expect(requests.length).toBeLessThanOrEqual(job.requests + 3)
        if ('error' in outcome) {
          failed.push(skip)
          expect(innermost(outcome.error)).toMatchObject({ code: 'SKY_RESPONSE_FORMAT' })
          expect(existsSync(join(world.folder, 'out'))).toBe(false)
        } else await job.verify(world, outcome.result, serverId)
      })
    }
    expect(failed).toEqual(fault.kind === 'malformed-body' ? job.read : [])
  })

  it.each(matrix)('$name, always', async ({ job, row: { fault, always } }) => {
    await runWith(
      job,
      fault,
      { skip: 1, times: Infinity },
      async ({ world, serverId, outcome, requests }) => {
        // Each request of the job three times again at most, and one replay of each with a new token.
        expect(requests.length).toBeLessThanOrEqual(2 * 4 * job.requests)
        if (always === undefined) {
          if ('error' in outcome) throw outcome.error
          await job.verify(world, outcome.result, serverId)
          return
        }
        if (!('error' in outcome)) throw new Error('it succeeded')
        const { error } = outcome
        expect(isCloudError(error)).toBe(true)
        expect(innermost(error)).toMatchObject({ code: always })
        expect((error as CloudError).operation).toMatch(/^synnefo\./)
        expect(existsSync(join(world.folder, 'out'))).toBe(false)
      },
    )
  })

  it('a pause that the server asks for is kept', async () => {
    const fault: FaultKind = { kind: 'status', status: 429, retryAfter: 1 }
    await runWith(jobs[0]!, fault, { skip: 1, times: 1 }, async ({ outcome, requests }) => {
      expect(outcome).toHaveProperty('result')
      const [, first, second] = requests
      expect(second!.at - first!.at).toBeGreaterThanOrEqual(995)
    })
  })
})
