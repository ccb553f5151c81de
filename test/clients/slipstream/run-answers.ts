import { EMPTY, from, type Observable } from 'rxjs'
import type { CimiSearch, Cimi } from '../../../src/clients/slipstream/cimi.js'
import { createBuild, type BuildComponent } from '../../../src/clients/slipstream/build.js'
import { createDeployments, type Deployments } from '../../../src/clients/slipstream/deployments.js'
import { errorsOf } from '../../../src/clients/slipstream/errors.js'
import type { CloudError } from '../../../src/errors.js'
import { createApi, createCore } from '../../../src/http/client.js'
import { fakeTransport, type FakeAnswer, type FakeResponse } from '../../../src/testing/fake-transport.js'
import { marbles, type MarbleHelpers } from '../../../src/testing/marbles.js'

export const ID = '815a8f66-fc9d-4444-849c-d12e883982c1'
export const RUN = `GET /run/${ID}`
export const POST_RUN = 'POST /run'

/** The answer of a submission: no body, an absolute address (dossier 4.2). */
export const created: FakeResponse = {
  status: 201,
  headers: { location: `https://cloud.test/run/${ID}` },
}

export interface RunFixture {
  readonly state?: string
  readonly type?: string
  readonly mutable?: boolean
  /** Runtime parameters by key; an empty one is not set. */
  readonly parameters?: Readonly<Record<string, string>>
  /** What else is in the document. */
  readonly rest?: string
}

/** A run document as the dossier shows it (4.2); unset parameters are empty CDATA. */
export function runDocument({
  state = 'Executing',
  type = 'Run',
  mutable = false,
  parameters = {},
  rest = '',
}: RunFixture = {}): string {
  const all = {
    'ss:state': state,
    'ss:abort': '',
    'ss:recovery.mode': 'false',
    'ss:url.service': '',
    ...parameters,
  }
  const entries = Object.entries(all).map(
    ([key, value]) => `<entry><string><![CDATA[${key}]]></string>
      <runtimeParameter description="about ${key}" deleted="false" key="${key}" isSet="${String(value !== '')}" group="${key.startsWith('ss:') ? 'Global' : (key.split(':', 1)[0] ?? '')}" mapsOthers="false" type="String" mappedRuntimeParameterNames="" isMappedValue="false" creation="2019-03-29 09:20:01.649 UTC"><![CDATA[${value}]]></runtimeParameter></entry>`,
  )
  return `<?xml version="1.0" encoding="UTF-8"?>
<run category="Deployment" deleted="false" resourceUri="run/${ID}" uuid="${ID}" type="${type}" cloudServiceNames="c1,c2" state="${state}" moduleResourceUri="module/apps/cluster/app/107" startTime="2019-03-29 09:20:01.632 UTC" lastStateChangeTime="2019-03-29 09:23:10.7 UTC" nodeNames="worker.1,worker.2,orchestrator-c1" user="jane" mutable="${String(mutable)}" creation="2019-03-29 09:20:01.632 UTC" groups="c1:worker">
  <parameters><entry><string>General.keep-running</string><parameter name="General.keep-running" category="General"><value>always</value></parameter></entry></parameters>
  <runtimeParameters class="org.hibernate.collection.internal.PersistentMap">
    ${entries.join('\n')}
  </runtimeParameters>
  ${rest}
</run>`
}

const xmlHeaders = { 'content-type': 'application/xml' }

export function xml(body: string, status = 200): FakeResponse {
  return { status, headers: xmlHeaders, body }
}

/** A run document as an answer. */
export function run(
  state: string,
  parameters: Readonly<Record<string, string>> = {},
  rest: RunFixture = {},
): FakeResponse {
  return xml(runDocument({ state, parameters, ...rest }))
}

/** An answer of the legacy side that is an error (dossier 6). */
export function legacyError(status: number, reason: string, detail: string): FakeResponse {
  return xml(
    `<error code="${String(status)}" reason="${reason}" detail="${detail}">\n${detail}\n</error>`,
    status,
  )
}

export const textAnswer = (body: string, status = 200): FakeResponse => ({
  status,
  headers: { 'content-type': 'text/plain' },
  body,
})

export type Routes = Readonly<Record<string, FakeAnswer | readonly FakeAnswer[]>>

export interface TestClient {
  readonly deployments: Deployments
  readonly build: BuildComponent
  /** `METHOD path body` of each request so far. */
  readonly sent: () => readonly string[]
  /** Accept headers of the requests. */
  readonly accepted: () => readonly (string | undefined)[]
  readonly searches: readonly { readonly collection: string; readonly query: CimiSearch | undefined }[]
}

export function clientOf(
  routes: Routes,
  helpers: Pick<MarbleHelpers, 'runtime'>,
  found: readonly object[] = [],
): TestClient {
  const transport = fakeTransport(routes)
  const core = createCore({ transport, runtime: helpers.runtime, retry: { backoff: () => 1 } })
  const api = createApi(core, {
    cloud: 'slipstream',
    errors: errorsOf({ cloud: 'slipstream' }),
    endpoint: 'https://cloud.test',
  })
  const searches: { collection: string; query: CimiSearch | undefined }[] = []
  const none = (): Observable<never> => EMPTY
  const cimi: Cimi = {
    entryPoint: none,
    get: none,
    page: none,
    add: none,
    edit: none,
    remove: none,
    operate: none,
    search: <T>(collection: string, query?: CimiSearch) => {
      searches.push({ collection, query })
      return from(found as readonly T[])
    },
  }
  return {
    deployments: createDeployments(api, cimi),
    build: createBuild(api),
    sent: () =>
      transport.requests.map(
        ({ method, path, body }) => `${method} ${path}${typeof body === 'string' ? ` ${body}` : ''}`,
      ),
    accepted: () => transport.requests.map(({ headers }) => headers['accept']),
    searches,
  }
}

/** What a stream of the client tells in virtual time, and the requests that it made. */
export function tell<T>(
  routes: Routes,
  use: (client: TestClient) => Observable<T>,
  found?: readonly object[],
) {
  const values: T[] = []
  const errors: CloudError[] = []
  let completed = false
  let sent: readonly string[] = []
  let accepted: readonly (string | undefined)[] = []
  let searches: TestClient['searches'] = []
  marbles((helpers) => {
    const client = clientOf(routes, helpers, found)
    use(client).subscribe({
      next: (value: T) => values.push(value),
      error: (error: CloudError) => errors.push(error),
      complete: () => {
        completed = true
      },
    })
    helpers.flush()
    sent = client.sent()
    accepted = client.accepted()
    searches = client.searches
  })()
  return { values, error: errors[0], completed, sent, accepted, searches }
}
