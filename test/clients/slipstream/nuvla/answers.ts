import type { Observable } from 'rxjs'
import { createCimi, type Cimi } from '../../../../src/clients/slipstream/cimi.js'
import { nuvlaDialect } from '../../../../src/clients/slipstream/dialect.js'
import { errorsOf } from '../../../../src/clients/slipstream/errors.js'
import {
  createNuvlaDeployments,
  type NuvlaDeployments,
} from '../../../../src/clients/slipstream/nuvla/deployments.js'
import { createNuvlaJobs, type NuvlaJobs } from '../../../../src/clients/slipstream/nuvla/jobs.js'
import type { CloudError } from '../../../../src/errors.js'
import type { Api } from '../../../../src/http/api.js'
import { createApi, createCore, type ClientOptions } from '../../../../src/http/client.js'
import { fakeTransport, type FakeAnswer } from '../../../../src/testing/fake-transport.js'
import { marbles, type MarbleHelpers } from '../../../../src/testing/marbles.js'

export const ID = 'deployment/1'
export const GET = `GET /api/${ID}`
export const JOB = 'job/7'
export const GET_JOB = `GET /api/${JOB}`
export const FIND_JOB = 'PUT /api/job'

const entryPoint = {
  id: 'cloud-entry-point',
  'resource-type': 'cloud-entry-point',
  'base-uri': 'https://nuvla.test/api/',
  collections: Object.fromEntries(
    ['deployment', 'deployment-parameter', 'job'].map((name) => [name, { href: name }]),
  ),
}

/** What a deployment offers in each state (dossier, appendix N). */
const offers: Readonly<Record<string, readonly string[]>> = {
  CREATED: ['start', 'delete'],
  PENDING: ['stop'],
  STARTING: ['stop'],
  STARTED: ['stop', 'update', 'create-log'],
  UPDATING: ['stop', 'create-log'],
  STOPPED: ['start', 'delete'],
  ERROR: ['stop', 'update', 'create-log'],
}

export const deployment = (state: string, rest: object = {}) => ({
  json: {
    id: ID,
    'resource-type': 'deployment',
    state,
    module: { href: 'module/wordpress_3' },
    operations: (offers[state] ?? []).map((rel) => ({ rel, href: rel === 'delete' ? ID : `${ID}/${rel}` })),
    ...rest,
  },
})

export const job = (state: string, progress = 0, rest: object = {}) => ({
  json: {
    id: JOB,
    'resource-type': 'job',
    state,
    progress,
    operations: [{ rel: 'cancel', href: `${JOB}/cancel` }],
    ...rest,
  },
})

export const accepted = {
  status: 202,
  headers: { location: JOB },
  json: {
    status: 202,
    message: `start_deployment ${ID} with async ${JOB}`,
    'resource-id': ID,
    location: JOB,
  },
}

export const missing = { status: 404, json: { status: 404, message: `${ID} not found`, 'resource-id': ID } }

/** The body of a search's answer. */
export const found = (...resources: readonly { readonly json: object }[]) => ({
  json: { count: resources.length, operations: [], resources: resources.map(({ json }) => json) },
})

export interface Nuvla {
  readonly deployments: NuvlaDeployments
  readonly jobs: NuvlaJobs
  readonly api: Api
  readonly cimi: Cimi
}
export type Routes = Readonly<Record<string, FakeAnswer | readonly FakeAnswer[]>>

export function nuvlaOf(routes: Routes, { runtime }: MarbleHelpers, options: Partial<ClientOptions> = {}) {
  const transport = fakeTransport({ 'GET /api/cloud-entry-point': { json: entryPoint }, ...routes })
  const core = createCore({ transport, runtime, retry: false, ...options })
  const api = createApi(core, {
    cloud: 'nuvla',
    errors: errorsOf(nuvlaDialect),
    endpoint: 'https://nuvla.test',
  })
  const cimi = createCimi(api, nuvlaDialect)
  const nuvla: Nuvla = {
    deployments: createNuvlaDeployments(api, cimi),
    jobs: createNuvlaJobs(api, cimi),
    api,
    cimi,
  }
  /** All requests but the one for the entry point. */
  const sent = () =>
    transport.requests
      .map(({ method, path, body }) => `${method} ${path}${typeof body === 'string' ? ` ${body}` : ''}`)
      .filter((request) => request !== 'GET /api/cloud-entry-point')
  return { nuvla, sent }
}

/** What a stream of the client tells in virtual time, when, how it ends, and what it asked for. */
export function run<T>(
  routes: Routes,
  use: (nuvla: Nuvla) => Observable<T>,
  options: Partial<ClientOptions> = {},
) {
  const values: T[] = []
  const times: number[] = []
  let error: CloudError | undefined
  let completed = false
  let sent: readonly string[] = []
  marbles((helpers) => {
    const fake = nuvlaOf(routes, helpers, options)
    use(fake.nuvla).subscribe({
      next: (value) => {
        values.push(value)
        times.push(helpers.runtime.scheduler.now())
      },
      error: (thrown: CloudError) => (error = thrown),
      complete: () => (completed = true),
    })
    helpers.flush()
    sent = fake.sent()
  })()
  return { values, times, error, completed, sent }
}
