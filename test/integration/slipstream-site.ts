import { lastValueFrom, tap, toArray, type MonoTypeOperatorFunction, type Observable } from 'rxjs'
import { afterAll, afterEach, beforeAll } from 'vitest'
import {
  createSlipstream,
  type SlipstreamClient,
  type SlipstreamConfig,
} from '../../src/clients/slipstream/index.js'
import type { CloudError } from '../../src/errors.js'
import { constant } from '../../src/operators/index.js'
import type { OperationEvent } from '../../src/streams/events.js'
import {
  startCloud,
  type CloudOptions,
  type EmbeddedCloud,
  type RecordedRequest,
  type RequestFilter,
  type SlipstreamCloud,
} from '../../src/testing/cloud/index.js'

export interface SlipstreamSite {
  /** Time passes there by `advance` only. */
  readonly cloud: EmbeddedCloud
  readonly slipstream: SlipstreamCloud
  /** A client of the first user, unless the configuration says otherwise; closed after the test. */
  clientOf(config?: Partial<SlipstreamConfig>): SlipstreamClient
  /** Somebody else's. */
  otherClient(): SlipstreamClient
  privilegedClient(): SlipstreamClient
  /** The requests from now on. */
  requestsFromNow(filter?: RequestFilter): () => readonly RecordedRequest[]
  /** Lets time pass in the cloud with each event; that of a poll is the next poll's, whatever the machine is busy with. */
  advancing<T>(ms: number): MonoTypeOperatorFunction<T>
}

/** One embedded SlipStream for all tests of a file. */
export function slipstreamSite(options: CloudOptions = {}): SlipstreamSite {
  let cloud: EmbeddedCloud | undefined
  const clients: SlipstreamClient[] = []
  const started = (): EmbeddedCloud => {
    if (cloud === undefined) throw new Error('the cloud starts with the first test')
    return cloud
  }
  beforeAll(async () => {
    cloud = await startCloud({ clouds: ['slipstream'], clock: { manual: true }, seed: 7, ...options })
  })
  afterEach(() => {
    started().faults.clear()
    for (const client of clients.splice(0)) client.close()
  })
  afterAll(() => started().close())

  const clientOf: SlipstreamSite['clientOf'] = (config) => {
    const client = createSlipstream(configOf(started(), config))
    clients.push(client)
    return client
  }
  return {
    get cloud() {
      return started()
    },
    get slipstream() {
      return started().slipstream
    },
    clientOf,
    otherClient: () => clientOf(started().slipstream.otherUser),
    privilegedClient: () => clientOf(started().slipstream.privilegedUser),
    requestsFromNow(filter) {
      const before = started().requests(filter).length
      return () => started().requests(filter).slice(before)
    },
    advancing: (ms) =>
      tap(() => {
        started().clock.advance(ms)
      }),
  }
}

/** Of the first user, and without looking at the environment of this machine. */
export function configOf(cloud: EmbeddedCloud, config: Partial<SlipstreamConfig> = {}): SlipstreamConfig {
  const { url, user } = cloud.slipstream
  const saysWho = ['username', 'key', 'template', 'cookieFile'].some((name) => name in config)
  return {
    endpoint: url,
    ...(saysWho ? {} : user),
    environment: { env: {}, home: '' },
    strict: true,
    retry: { backoff: constant(1) },
    connection: { proxy: false },
    ...config,
  }
}

/** Polls without a pause, and an event for each. */
export const everyPoll = { interval: 1, distinct: false } as const

/** All events, and the error that ended them if one did. */
export async function outcomeOf<T>(
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
export const errorOf = async (calls: Observable<unknown>): Promise<CloudError | undefined> =>
  (await outcomeOf(calls)).error

export const listOf = <T>(items: Observable<T>): Promise<T[]> => lastValueFrom(items.pipe(toArray()))

/** Waits for what completes without a value. */
export async function done(calls: Observable<unknown>): Promise<void> {
  await lastValueFrom(calls, { defaultValue: undefined })
}

/** The states of the events of an operation, each as often as it changed, and the other events by their kind. */
export function courseOf<S, R>(events: readonly OperationEvent<S, R>[]): readonly string[] {
  const course = events.map((event) => (event.kind === 'progress' ? event.state : event.kind))
  return course.filter((step, index) => step !== course[index - 1])
}
