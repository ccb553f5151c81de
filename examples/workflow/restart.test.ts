// How a user tests a workflow: a whole client, no network, and minutes that pass in no time.
import { fakeTransport, marbles } from 'skystream/testing'
import { createSynnefo } from 'skystream/synnefo'
import { expect, it } from 'vitest'
import { restartAll } from './restart.js'

const access = {
  token: { id: 'test-token', expires: '2099-01-01T00:00:00+00:00' },
  user: { id: 'u1', name: 'Ada' },
  serviceCatalog: [
    { name: 'compute', type: 'compute', endpoints: [{ publicURL: 'https://cloud.test/compute/v2.0' }] },
  ],
}
const server = (status: string, task = '') => ({
  json: { server: { id: 7, name: 'web', status, 'SNF:task_state': task } },
})

it(
  'restarts a server and waits for both ends',
  marbles(({ expectObservable, runtime }) => {
    const transport = fakeTransport({
      'POST /identity/v2.0/tokens': { json: { access } },
      'POST /compute/v2.0/servers/7/action': { status: 202 },
      'GET /compute/v2.0/servers/7': [
        server('ACTIVE', 'STOPPING'),
        server('STOPPED'),
        server('STOPPED', 'STARTING'),
        server('ACTIVE'),
      ],
    })
    const { servers } = createSynnefo({
      authUrl: 'https://cloud.test/identity/v2.0',
      token: 'test-token',
      transport,
      runtime,
    })

    // Two polls for the end of the shutdown, two for the end of the start, two seconds apart.
    expectObservable(restartAll(servers, [7])).toBe('4s (a|)', { a: { id: 7, outcome: 'restarted' } })
  }),
)

it(
  'goes on with the next server when one is broken',
  marbles(({ expectObservable, runtime, flush }) => {
    const transport = fakeTransport({
      'POST /identity/v2.0/tokens': { json: { access } },
      'POST /compute/v2.0/servers/*': { status: 202 },
      'GET /compute/v2.0/servers/1': server('ERROR'),
      'GET /compute/v2.0/servers/7': [server('STOPPED'), server('ACTIVE')],
    })
    const { servers } = createSynnefo({
      authUrl: 'https://cloud.test/identity/v2.0',
      token: 'test-token',
      transport,
      runtime,
    })

    expectObservable(restartAll(servers, [1, 7])).toBe('(ab|)', {
      a: { id: 1, outcome: 'failed' },
      b: { id: 7, outcome: 'restarted' },
    })
    flush()
    expect(transport.requests.filter(({ method }) => method === 'POST')).toHaveLength(4)
  }),
)
