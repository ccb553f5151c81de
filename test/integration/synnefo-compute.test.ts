import { inspect } from 'node:util'
import { firstValueFrom, lastValueFrom, take, tap, toArray, type Observable } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import {
  ConflictError,
  HttpError,
  NetworkError,
  OperationFailedError,
  ResponseFormatError,
  TokenError,
  ValidationError,
  type CloudError,
} from '../../src/errors.js'
import { createSynnefo, type SynnefoClient, type SynnefoConfig } from '../../src/clients/synnefo/index.js'
import type { Server, ServerSpec } from '../../src/clients/synnefo/schemas.js'
import { constant } from '../../src/operators/index.js'
import type { TrafficEvent } from '../../src/http/types.js'
import type { OperationEvent } from '../../src/streams/events.js'
import { startCloud, type CloudOptions, type EmbeddedCloud } from '../../src/testing/cloud/index.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const quick = { interval: 10 }

/** An embedded cloud a thousand times as fast as a true one. */
async function cloudOf(options: CloudOptions = {}): Promise<EmbeddedCloud> {
  const cloud = await startCloud({ clouds: ['synnefo'], clock: { speed: 1_000 }, seed: 7, ...options })
  cleanups.push(() => cloud.close())
  return cloud
}

function clientOf(cloud: EmbeddedCloud, config: Partial<SynnefoConfig> = {}): SynnefoClient {
  const { authUrl, token } = cloud.synnefo
  const client = createSynnefo({
    authUrl,
    token,
    strict: true,
    retry: { backoff: constant(1) },
    connection: { proxy: false },
    ...config,
  })
  cleanups.push(() => {
    client.close()
  })
  return client
}

function specOf(cloud: EmbeddedCloud, outcome = 'active'): ServerSpec {
  const image = cloud.synnefo.images.find((candidate) => candidate.outcome === outcome)
  if (image === undefined) throw new Error(`the cloud has no image with the outcome ${outcome}`)
  return { name: 'web-1', flavorRef: 1, imageRef: image.id }
}

/** All events, and the error that ended them if one did. */
async function outcomeOf<T>(
  events: Observable<T>,
): Promise<{ readonly events: T[]; readonly error?: CloudError }> {
  const seen: T[] = []
  try {
    await lastValueFrom(events.pipe(tap((event) => seen.push(event))), { defaultValue: undefined })
    return { events: seen }
  } catch (error) {
    return { events: seen, error: error as CloudError }
  }
}
const errorOf = async (calls: Observable<unknown>): Promise<CloudError | undefined> =>
  (await outcomeOf(calls)).error

const build = async (client: SynnefoClient, spec: ServerSpec): Promise<Server> => {
  const last = await lastValueFrom(client.servers.build(spec, quick))
  if (last.kind !== 'done') throw new Error('expected the build to end with done')
  return last.result
}
const states = (events: readonly OperationEvent<Server>[]): string[] =>
  events.map((event) => (event.kind === 'progress' ? event.state : event.kind))

describe('the life of a server', () => {
  it('is built, stopped, started, rebooted and removed', async () => {
    const cloud = await cloudOf()
    const client = clientOf(cloud)
    const { events, error } = await outcomeOf(client.servers.build(specOf(cloud), quick))
    expect(error).toBeUndefined()
    expect(states(events).slice(0, 2)).toEqual(['submitted', 'BUILD'])
    expect(states(events).slice(-2)).toEqual(['ACTIVE', 'done'])
    const percents = events.flatMap((event) => (event.kind === 'progress' ? [event.percent ?? 0] : []))
    expect(percents).toEqual([...percents].sort((a, b) => a - b))
    expect(percents.at(-1)).toBe(100)
    expect(percents.length).toBeGreaterThan(2)

    const last = events.at(-1)
    if (last?.kind !== 'done') throw new Error('expected done')
    const { id, adminPass } = last.result
    expect(adminPass).toMatch(/^\S{10,}$/)
    expect(inspect(events, { depth: 9 }) + JSON.stringify(events)).not.toContain(adminPass)
    expect(last.result.attachments?.[0]?.ipv4).toMatch(/^\d+\./)

    expect(await firstValueFrom(client.servers.get(id))).toMatchObject({ id, status: 'ACTIVE' })
    expect(await lastValueFrom(client.servers.list().pipe(toArray()))).toMatchObject([{ id, name: 'web-1' }])

    const shutdown = await outcomeOf(client.servers.shutdown(id, quick))
    expect(states(shutdown.events)).toEqual(['submitted', 'ACTIVE', 'STOPPED', 'done'])
    const start = await outcomeOf(client.servers.start(id, quick))
    expect(states(start.events)).toEqual(['submitted', 'STOPPED', 'ACTIVE', 'done'])
    const reboot = await outcomeOf(client.servers.reboot(id, quick))
    expect(states(reboot.events).at(0)).toBe('submitted')
    expect(states(reboot.events).slice(-2)).toEqual(['ACTIVE', 'done'])

    await lastValueFrom(client.servers.remove(id))
    const removed = await outcomeOf(client.servers.watch(id, { until: 'DELETED', ...quick }))
    expect(removed.events.at(-1)).toMatchObject({ kind: 'done', result: { status: 'DELETED' } })
    expect(await firstValueFrom(client.servers.get(id))).toMatchObject({ status: 'DELETED', deleted: true })
    expect(await lastValueFrom(client.servers.list().pipe(toArray()))).toEqual([])
    // Authentication once, for all of it.
    expect(cloud.requests({ path: '/identity/v2.0/tokens' })).toHaveLength(1)
  })

  it('lists flavors and images that fit their description', async () => {
    const cloud = await cloudOf()
    const client = clientOf(cloud)
    const flavors = await lastValueFrom(client.flavors.list().pipe(toArray()))
    expect(flavors.length).toBeGreaterThan(5)
    expect(await firstValueFrom(client.flavors.get(flavors[0]!.id))).toEqual(flavors[0])
    const images = await lastValueFrom(client.images.list().pipe(toArray()))
    expect(images.map(({ name }) => name).join()).toContain('Debian')
  })

  it.each(['error', 'not-queued'])('a build that ends in ERROR (%s)', async (outcome) => {
    const cloud = await cloudOf()
    const { events, error } = await outcomeOf(clientOf(cloud).servers.build(specOf(cloud, outcome), quick))
    expect(states(events).at(-1)).toBe('ERROR')
    expect(error).toBeInstanceOf(OperationFailedError)
    const failure = error as OperationFailedError<Server>
    expect(failure.snapshot.status).toBe('ERROR')
    expect(failure.message).toMatch(/^synnefo\.servers\.create: server \d+ is in state ERROR/)
    expect(failure.history.at(-1)?.state).toBe('ERROR')
  })

  it('a job that fails leaves the server as it was, and is an error', async () => {
    const cloud = await cloudOf()
    const client = clientOf(cloud)
    const { id } = await build(client, specOf(cloud))
    cloud.synnefo.failNextJob(id)
    const { error } = await outcomeOf(client.servers.shutdown(id, quick))
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error?.message).toContain('did not shut down and is still ACTIVE')
  })

  it('another program goes on with the ref', async () => {
    const cloud = await cloudOf()
    const first = clientOf(cloud)
    const submitted = await firstValueFrom(first.servers.build(specOf(cloud), quick))
    first.close()
    if (submitted.kind !== 'submitted') throw new Error('expected submitted')
    const ref = JSON.parse(JSON.stringify(submitted.ref)) as typeof submitted.ref
    const last = await lastValueFrom(clientOf(cloud).servers.watch(ref, quick))
    expect(last).toMatchObject({ kind: 'done', ref, result: { status: 'ACTIVE' } })
  })
})

describe('refusals', () => {
  it('quota: 413, not tried again', async () => {
    const cloud = await cloudOf({ synnefo: { quota: { 'cyclades.vm': 1 } } })
    const client = clientOf(cloud)
    await build(client, specOf(cloud))
    const { events, error } = await outcomeOf(client.servers.build(specOf(cloud), quick))
    expect(events).toEqual([])
    expect(error).toBeInstanceOf(HttpError)
    expect(error).toMatchObject({ status: 413, retryable: false, attempts: 1 })
    expect((error as HttpError).reason).toContain('overLimit')
    expect((error as HttpError).reason).toContain('Virtual Machine')
  })

  it('an action while the server is built: 409', async () => {
    const cloud = await cloudOf({ clock: { manual: true } })
    const client = clientOf(cloud)
    const { id } = await firstValueFrom(client.servers.create(specOf(cloud)))
    const error = await errorOf(client.servers.start(id, quick))
    expect(error).toBeInstanceOf(ConflictError)
    expect(error).toMatchObject({ status: 409, operation: 'synnefo.servers.start' })
    expect((error as ConflictError).reason).toContain('buildInProgress')
  })
})

describe('tokens', () => {
  it('a revoked token: any number of calls at once cost one renewal, and all succeed', async () => {
    const cloud = await cloudOf()
    let renewals = 0
    const client = clientOf(cloud, {
      renew: () => {
        renewals += 1
        return Promise.resolve(cloud.synnefo.renewToken())
      },
    })
    const { id } = await firstValueFrom(client.servers.create(specOf(cloud)))
    cloud.synnefo.revokeToken(cloud.synnefo.token)
    const servers = await Promise.all(
      Array.from({ length: 25 }, () => firstValueFrom(client.servers.get(id))),
    )
    expect(servers.map((server) => server.id)).toEqual(Array.from({ length: 25 }, () => id))
    expect(renewals).toBe(1)
    expect(cloud.requests({ path: '/identity/v2.0/tokens' })).toHaveLength(2)
    const statuses = cloud
      .requests({ path: `/compute/v2.0/servers/${String(id)}` })
      .map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(25)
    expect(statuses.filter((status) => status === 401).length).toBeGreaterThan(0)
  })

  it('a token that ends during a wait is renewed, and the wait goes on', async () => {
    // The build takes some 700 ms, the token lives for 400.
    const cloud = await cloudOf({ clock: { speed: 250 }, synnefo: { tokenLifetimeMs: 400 } })
    let renewals = 0
    const client = clientOf(cloud, {
      renew: () => {
        renewals += 1
        return cloud.synnefo.renewToken()
      },
    })
    const { events, error } = await outcomeOf(client.servers.build(specOf(cloud), quick))
    expect(error).toBeUndefined()
    expect(events.at(-1)).toMatchObject({ kind: 'done' })
    expect(events.map(({ kind }) => kind)).not.toContain('retrying')
    expect(renewals).toBeGreaterThan(0)
    expect(cloud.requests().filter(({ status }) => status === 401)).toEqual([])
  })

  it('without a way to renew, a refused token is an error that says so, and no loop', async () => {
    const cloud = await cloudOf()
    const client = clientOf(cloud)
    await lastValueFrom(client.flavors.list())
    const old = cloud.synnefo.token
    cloud.synnefo.revokeToken(old)
    const error = await errorOf(client.flavors.list())
    expect(error).toBeInstanceOf(TokenError)
    expect(error?.message).toContain('no way to renew it')
    expect(cloud.requests({ path: '/compute/v2.0/flavors/detail' })).toHaveLength(2)
    expect(cloud.requests({ path: '/identity/v2.0/tokens' })).toHaveLength(1)
    expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain(old)
  })

  it('a wrong token is noticed before anything else is sent', async () => {
    const cloud = await cloudOf()
    const error = await errorOf(clientOf(cloud, { token: 'not-a-token-at-all' }).flavors.list())
    expect(error).toBeInstanceOf(TokenError)
    expect(inspect(error, { depth: 9 })).not.toContain('not-a-token-at-all')
    expect(cloud.requests().map(({ path }) => path)).toEqual(['/identity/v2.0/tokens'])
  })
})

describe('trouble on the way', () => {
  const GET = { method: 'GET', path: '/compute/v2.0/servers/*' }

  it('reads are sent again', async () => {
    const cloud = await cloudOf()
    const client = clientOf(cloud)
    const { id } = await firstValueFrom(client.servers.create(specOf(cloud)))
    for (const fault of [
      { kind: 'status', status: 503 },
      { kind: 'reset' },
      { kind: 'reset-mid-body', afterBytes: 10 },
      { kind: 'truncated-body', afterBytes: 10 },
    ] as const) {
      cloud.faults.add({ ...GET, fault })
      const retries: string[] = []
      const onRetry = ({ error }: { readonly error: CloudError }): void => {
        retries.push(error.code)
      }
      expect(await firstValueFrom(client.servers.get(id, { onRetry }))).toMatchObject({ id })
      expect(retries).toEqual([fault.kind === 'status' ? 'SKY_HTTP_SERVER' : 'SKY_NETWORK'])
    }
  })

  it('a creation that may have arrived is not', async () => {
    const cloud = await cloudOf()
    const client = clientOf(cloud)
    cloud.faults.add({ method: 'POST', path: '/compute/v2.0/servers', fault: { kind: 'reset' } })
    const error = await errorOf(client.servers.create(specOf(cloud)))
    expect(error).toBeInstanceOf(NetworkError)
    expect(error).toMatchObject({ retryable: false, attempts: 1 })
    expect(cloud.requests({ method: 'POST', path: '/compute/v2.0/servers' })).toHaveLength(1)
    expect(await lastValueFrom(client.servers.list().pipe(toArray()))).toHaveLength(1)
  })

  it('a server that asks to wait for an hour is not waited for', async () => {
    const cloud = await cloudOf()
    const client = clientOf(cloud)
    cloud.faults.add({ ...GET, fault: { kind: 'status', status: 503, retryAfter: 3_600 } })
    const error = await errorOf(client.servers.get(1))
    expect(error).toMatchObject({ status: 503, retryAfterMs: 3_600_000, attempts: 1 })
  })

  it('a body that cannot be parsed is an error, not retried', async () => {
    const cloud = await cloudOf()
    const client = clientOf(cloud)
    const { id } = await firstValueFrom(client.servers.create(specOf(cloud)))
    cloud.faults.add({ ...GET, fault: { kind: 'malformed-body' } })
    const error = await errorOf(client.servers.get(id))
    expect(error).toBeInstanceOf(ResponseFormatError)
    expect(error).toMatchObject({ operation: 'synnefo.servers.get', attempts: 1 })
  })

  it('failing polls are told, and the wait goes on', async () => {
    const cloud = await cloudOf()
    const client = clientOf(cloud)
    cloud.faults.add({ ...GET, skip: 1, times: 2, fault: { kind: 'status', status: 502 } })
    const { events, error } = await outcomeOf(client.servers.build(specOf(cloud), quick))
    expect(error).toBeUndefined()
    const retrying = events.filter((event) => event.kind === 'retrying')
    expect(retrying).toMatchObject([{ attempt: 1 }, { attempt: 2 }])
    expect(events.at(-1)?.kind).toBe('done')
  })
})

describe('leaving', () => {
  it('unsubscribing from a wait sends no further request', async () => {
    const cloud = await cloudOf({ clock: { manual: true } })
    const client = clientOf(cloud)
    const { id } = await firstValueFrom(client.servers.create(specOf(cloud)))
    await lastValueFrom(client.servers.watch(id, { interval: 1, distinct: false }).pipe(take(3)))
    // Many times the interval.
    for (let count = 0; count < 10; count++) await lastValueFrom(client.flavors.list())
    expect(cloud.requests({ path: `/compute/v2.0/servers/${String(id)}` })).toHaveLength(3)
  })

  it('aborting a call ends its request', async () => {
    const cloud = await cloudOf()
    const client = clientOf(cloud)
    await lastValueFrom(client.images.list())
    cloud.faults.add({ path: '/compute/v2.0/flavors/detail', fault: { kind: 'slow-first-byte', ms: 20_000 } })
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    const pending = errorOf(client.flavors.list({ signal: controller.signal }))
    while (cloud.requests({ path: '/compute/v2.0/flavors/detail' }).length === 0) {
      await lastValueFrom(client.images.list())
    }
    controller.abort(reason)
    expect(await pending).toBe(reason)
    expect(cloud.requests({ path: '/compute/v2.0/flavors/detail' })).toHaveLength(1)
  })

  it('closing the client ends what is under way', async () => {
    const cloud = await cloudOf()
    const client = clientOf(cloud, { retry: false })
    await lastValueFrom(client.images.list())
    cloud.faults.add({ path: '/compute/v2.0/flavors/detail', fault: { kind: 'slow-first-byte', ms: 20_000 } })
    const pending = errorOf(client.flavors.list())
    while (cloud.requests({ path: '/compute/v2.0/flavors/detail' }).length === 0) {
      await lastValueFrom(client.images.list())
    }
    client.close()
    expect(await pending).toMatchObject({ code: 'SKY_NETWORK', retryable: false })
  })
})

describe('what people can watch', () => {
  it('traffic tells of token, requests and answers, and of no secret', async () => {
    const cloud = await cloudOf()
    const client = clientOf(cloud)
    const events: TrafficEvent[] = []
    client.traffic.subscribe((event) => events.push(event))
    await lastValueFrom(client.flavors.list())
    await firstValueFrom(client.servers.create(specOf(cloud)))
    expect(
      events.map((event) =>
        'operation' in event ? `${event.kind} ${event.operation}` : `${event.kind} ${event.state}`,
      ),
    ).toEqual([
      'token refreshing',
      'request synnefo.identity.authenticate',
      'response synnefo.identity.authenticate',
      'token valid',
      'request synnefo.flavors.list',
      'response synnefo.flavors.list',
      'request synnefo.servers.create',
      'response synnefo.servers.create',
    ])
    const shown = inspect(events, { depth: 9 }) + JSON.stringify(events)
    expect(shown).not.toContain(cloud.synnefo.token)
    expect(shown).not.toMatch(/adminPass/i)
  })
})

describe('changes-since', () => {
  const changed = (client: SynnefoClient, changesSince: Date): Promise<Server[]> =>
    lastValueFrom(client.servers.list({ changesSince }).pipe(toArray()))

  it('lists what changed, deleted servers included; nothing (304) is an empty list', async () => {
    const cloud = await cloudOf()
    const client = clientOf(cloud)
    const before = new Date(Date.now() - 60_000)
    expect(await changed(client, before)).toEqual([])
    const { id } = await build(client, specOf(cloud))
    expect(await changed(client, before)).toMatchObject([{ id, status: 'ACTIVE' }])
    await lastValueFrom(client.servers.remove(id))
    await lastValueFrom(client.servers.watch(id, { until: 'DELETED', ...quick }))
    expect(await changed(client, before)).toMatchObject([{ id, status: 'DELETED' }])
    const lists = cloud.requests({ path: '/compute/v2.0/servers/detail' })
    expect(lists.map(({ status }) => status)).toEqual([304, 200, 200])
    expect(lists[0]?.search).toMatch(/^changes-since=[\d-]+T[\d%A.]+%2B00%3A00$/)
  })

  it('is refused for the future and for more than an hour ago', async () => {
    const client = clientOf(await cloudOf())
    for (const [offsetMs, words] of [
      [3_600_000, 'future'],
      [-7_200_000, 'old'],
    ] as const) {
      const error = await errorOf(client.servers.list({ changesSince: new Date(Date.now() + offsetMs) }))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error?.message).toContain(words)
    }
  })
})
