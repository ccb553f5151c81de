import { inspect } from 'node:util'
import { take } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { NotFoundError, OperationFailedError } from '../../../../src/errors.js'
import { deployment, found, GET, ID, missing, run } from './answers.js'

const SEARCH = 'PUT /api/deployment-parameter'
const parameter = (name: string, value?: string | null, rest: object = {}) => ({
  json: {
    id: `deployment-parameter/${name}`,
    parent: ID,
    name,
    ...(value === undefined ? {} : { value }),
    ...rest,
  },
})
const query = (request: string | undefined) =>
  Object.fromEntries(new URLSearchParams(request?.slice(SEARCH.length + 1)))

describe('parameters', () => {
  it('are listed; what promises a secret is readable but not seen', () => {
    const answer = found(parameter('hostname', '198.51.100.7'), parameter('admin.password', 'hunter2'))
    const { values, sent } = run({ [SEARCH]: answer }, ({ deployments }) => deployments.parameters('1'))
    expect(values.map(({ name, value }) => [name, value])).toEqual([
      ['hostname', '198.51.100.7'],
      ['admin.password', 'hunter2'],
    ])
    expect(inspect(values) + JSON.stringify(values)).not.toContain('hunter2')
    expect(query(sent[0])['filter']).toBe("parent='deployment/1'")
  })
})

describe('parameter', () => {
  it('emits the value when it is set and when it changes, and completes when the deployment is gone', () => {
    const searches = [
      found(),
      found(parameter('hostname', null)),
      found(parameter('hostname', 'a')),
      found(parameter('hostname', 'a')),
      { status: 503 },
      found(parameter('hostname', 'b')),
      found(),
    ]
    const { values, times, completed, sent } = run(
      { [SEARCH]: searches, [`${GET}*`]: [deployment('STARTING'), deployment('STARTING'), missing] },
      ({ deployments }) => deployments.parameter(ID, 'hostname', { interval: 100 }),
    )
    expect([values, times, completed]).toEqual([['a', 'b'], [200, 500], true])
    expect(sent.filter((request) => request.startsWith('GET'))).toHaveLength(3)
    expect(query(sent[0])).toMatchObject({
      filter: "parent='deployment/1' and name='hostname'",
      orderby: 'created:asc',
    })
  })

  it('of a node, or of whichever has it first', () => {
    const answer = found(
      parameter('service-id', undefined, { 'node-id': 'a' }),
      parameter('service-id', 's1', { 'node-id': 'b' }),
      parameter('service-id', 's2'),
    )
    const any = run({ [SEARCH]: answer }, ({ deployments }) =>
      deployments.parameter(ID, 'service-id').pipe(take(1)),
    )
    expect(any.values).toEqual(['s1'])
    const { sent } = run({ [SEARCH]: answer }, ({ deployments }) =>
      deployments.parameter(ID, 'service-id', { nodeId: "it's" }).pipe(take(1)),
    )
    expect(query(sent[0])['filter']).toBe(
      String.raw`parent='deployment/1' and name='service-id' and node-id='it\'s'`,
    )
  })

  it('does not wait for one that will never come', () => {
    const failed = run({ [SEARCH]: found(), [`${GET}*`]: deployment('ERROR') }, ({ deployments }) =>
      deployments.parameter(ID, 'hostname'),
    )
    expect(failed.error).toBeInstanceOf(OperationFailedError)
    expect(failed.error?.message).toBe(
      'nuvla.deployments.parameter: deployment/1 is in state ERROR and has no hostname',
    )
    const wrong = run({ [SEARCH]: found(), [`${GET}*`]: missing }, ({ deployments }) =>
      deployments.parameter(ID, 'hostname'),
    )
    expect(wrong.error).toBeInstanceOf(NotFoundError)
  })
})

describe('urls', () => {
  it('are those of the module with the parameters filled in; what is not complete is left out', () => {
    const urls = [
      ['site', 'http://${hostname}:${tcp.80}/'],
      ['docs', 'https://docs.example.org/$HOME'],
      ['admin', 'https://${hostname}:${tcp.443}/admin'],
      ['empty', 'https://${domain}/'],
    ]
    const { values, completed } = run(
      {
        [GET]: deployment('STARTED', { module: { content: { urls } } }),
        [SEARCH]: found(
          parameter('hostname', '10.0.0.1', { 'node-id': 'a' }),
          parameter('hostname', '198.51.100.7'),
          parameter('tcp.80', '$&', { 'node-id': 'a' }),
          parameter('tcp.80', '8081', { 'node-id': 'b' }),
          parameter('domain', ''),
          parameter('tcp.443', null),
        ),
      },
      ({ deployments }) => deployments.urls('1'),
    )
    expect(completed).toBe(true)
    expect(values).toEqual([
      [
        { name: 'site', url: 'http://198.51.100.7:$&/' },
        { name: 'docs', url: 'https://docs.example.org/$HOME' },
      ],
    ])
  })

  it('of a module without any are none', () => {
    const { values } = run({ [GET]: deployment('STARTED'), [SEARCH]: found() }, ({ deployments }) =>
      deployments.urls(ID),
    )
    expect(values).toEqual([[]])
  })
})
