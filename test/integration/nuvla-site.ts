import { lastValueFrom, tap, type Observable } from 'rxjs'
import { afterAll, afterEach } from 'vitest'
import { createSlipstream, type NuvlaClient, type NuvlaConfig } from '../../src/clients/slipstream/index.js'
import type { CloudError } from '../../src/errors.js'
import { constant } from '../../src/operators/index.js'
import type { OperationEvent } from '../../src/streams/events.js'
import { startCloud, type EmbeddedCloud } from '../../src/testing/cloud/index.js'

/** Times of a job, ms of cloud time: a step in the queue, then five of two steps each. */
export const STEP_MS = 1_000
const times = { jobQueueMs: STEP_MS, jobRunMs: 10 * STEP_MS, jobPullMs: 3 * STEP_MS }

/** A running Nuvla, and what it received since the test began. */
export type NuvlaSite = Pick<EmbeddedCloud, 'nuvla' | 'clock' | 'faults' | 'requests'>

/** What tests leave behind. */
const TRANSIENT = ['deployment', 'deployment-parameter', 'job', 'event']

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

export function atTheEnd(cleanup: () => unknown): void {
  cleanups.push(cleanup)
}

/** One for all tests of a file: its key alone takes longer than most of them. */
let running: Promise<EmbeddedCloud> | undefined
afterAll(async () => {
  await (await running)?.close()
})

/** An embedded Nuvla whose time passes by hand only, as if it were new. */
export async function nuvlaOf(): Promise<NuvlaSite> {
  running ??= startCloud({
    clouds: ['nuvla'],
    clock: { manual: true },
    seed: 7,
    recordLimit: 100_000,
    nuvla: times,
  })
  const { nuvla, clock, faults, requests } = await running
  const earlier = requests().length
  atTheEnd(() => {
    faults.clear()
    for (const { id } of TRANSIENT.flatMap(nuvla.documents.list)) nuvla.documents.remove(id)
  })
  return {
    nuvla,
    clock,
    faults,
    requests: ({ method, path } = {}) =>
      requests()
        .slice(earlier)
        .filter((request) => method === undefined || request.method === method)
        .filter((request) => path === undefined || request.path.search(patternOf(path)) === 0),
  }
}

function patternOf(path: string | RegExp): RegExp {
  return typeof path === 'string' ? new RegExp(`^${path.replace('*', '.*')}$`) : path
}

/** A client without a way to log in. */
export function strangerOf(cloud: NuvlaSite, config: Partial<NuvlaConfig> = {}): NuvlaClient {
  const client = createSlipstream({
    profile: 'nuvla',
    endpoint: cloud.nuvla.url,
    environment: { env: {}, home: '' },
    strict: true,
    retry: { backoff: constant(1) },
    connection: { proxy: false },
    ...config,
  })
  atTheEnd(() => {
    client.close()
  })
  return client
}

/** A client with the API key of the user. */
export function clientOf(cloud: NuvlaSite, config: Partial<NuvlaConfig> = {}): NuvlaClient {
  return strangerOf(cloud, { ...cloud.nuvla.apiKey, ...config })
}

/** Each poll moves the cloud on by a step, after it was answered. */
export function stepping(cloud: NuvlaSite, stepMs = STEP_MS): { readonly interval: () => number } {
  return {
    interval: () => {
      cloud.clock.advance(stepMs)
      return 1
    },
  }
}

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

export async function errorOf(calls: Observable<unknown>): Promise<CloudError> {
  const { error, events } = await outcomeOf(calls)
  if (error === undefined) throw new Error(`expected an error, but got ${JSON.stringify(events)}`)
  return error
}

export async function itemsOf<T>(items: Observable<T>): Promise<T[]> {
  const { events, error } = await outcomeOf(items)
  if (error !== undefined) throw error
  return events
}

/** `submitted`, then the states, then `done`. */
export function statesOf(events: readonly OperationEvent<{ readonly state: string }>[]): string[] {
  return events.map((event) => (event.kind === 'progress' ? event.state : event.kind))
}

/** `METHOD path` of all requests but those that every client begins with. */
export function sentTo(cloud: NuvlaSite): string[] {
  return cloud
    .requests()
    .map(({ method, path }) => `${method} ${path}`)
    .filter((request) => request !== 'POST /api/session' && request !== 'GET /api/cloud-entry-point')
}

export function loginsAt(cloud: NuvlaSite): number {
  return cloud.requests({ method: 'POST', path: '/api/session' }).length
}
