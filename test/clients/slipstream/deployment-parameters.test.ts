import { describe, expect, it } from 'vitest'
import { ConfigurationError, NotFoundError, OperationFailedError } from '../../../src/errors.js'
import { marbles } from '../../../src/testing/marbles.js'
import { clientOf, ID, legacyError, run, RUN, tell, textAnswer } from './run-answers.js'

const every = { interval: 1_000 }
const HOST = 'machine:hostname'
const STATE = `GET /run/${ID}/ss:state`
const KEY = `GET /run/${ID}/${HOST}`
const notSet = textAnswer(`412 - Precondition Failed\nkey ${HOST} not yet set`, 412)
const raised = textAnswer('409 - Conflict\nAbort flag raised!', 409)

describe('parameters', () => {
  it('emits each, of one document', () => {
    const { values, sent } = tell({ [RUN]: run('Ready', { [HOST]: '10.0.0.7' }) }, ({ deployments }) =>
      deployments.parameters(ID),
    )
    expect(values.map(({ key, value }) => [key, value])).toEqual([
      ['ss:state', 'Ready'],
      ['ss:abort', undefined],
      ['ss:recovery.mode', 'false'],
      ['ss:url.service', undefined],
      [HOST, '10.0.0.7'],
    ])
    expect(sent).toEqual([RUN])
  })
})

describe('getParameter', () => {
  const get = (name: string, parameters: Readonly<Record<string, string>>, options = {}) =>
    tell({ [RUN]: run('Executing', parameters) }, ({ deployments }) =>
      deployments.getParameter(ID, name, options),
    )

  it('emits the value as text (defect 6), or that it is not set', () => {
    expect(get(HOST, { [HOST]: '10.0.0.7' }).values).toEqual(['10.0.0.7'])
    const unset = get(HOST, { [HOST]: '' })
    expect([unset.values, unset.completed]).toEqual([[undefined], true])
  })

  it('never asks the server for a key, which would abort the deployment if it had none', () => {
    expect(get(HOST, { [HOST]: 'x' }).sent).toEqual([RUN])
    const there = { [HOST]: 'x', 'machine:vmstate': 'Running', 'worker.1:hostnme': 'y' }
    const { error, values, sent } = get('machine:hostnme', there)
    expect([values, sent]).toEqual([[], [RUN]])
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error?.message).toBe(
      `name: deployment ${ID} has no parameter 'machine:hostnme'; similar ones are\n  - worker.1:hostnme\n  - machine:hostname\n  - machine:vmstate`,
    )
    expect(get('zzz:qqqqq', {}).error?.message).toBe(`name: deployment ${ID} has no parameter 'zzz:qqqqq'`)
  })

  it('fails with the message of an abort, unless that is ignored', () => {
    const aborted = { [HOST]: '10.0.0.7', 'ss:abort': 'boom' }
    const { error, values } = get(HOST, aborted)
    expect(values).toEqual([])
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error?.message).toBe(`slipstream.deployments.getParameter: deployment ${ID} was aborted: boom`)
    expect(get(HOST, aborted, { ignoreAbort: true }).values).toEqual(['10.0.0.7'])
    expect(get('ss:abort', aborted, { ignoreAbort: true }).values).toEqual(['boom'])
  })

  it(
    'names the argument that is wrong',
    marbles((helpers) => {
      const { deployments } = clientOf({}, helpers)
      expect(() => deployments.getParameter('', HOST)).toThrow(/^id: /)
      for (const name of ['', 'hostname', ':x', 'a:', 'a/b:c', 7]) {
        expect(() => deployments.getParameter(ID, name as string), String(name)).toThrow(/^name: /)
        expect(() => deployments.parameter(ID, name as string), String(name)).toThrow(/^name: /)
      }
      expect(() => deployments.parameter(ID, HOST, { interval: 0 })).toThrow(/^interval: /)
    }),
  )
})

describe('parameter', () => {
  it(
    'waits for the key in the document, then for the value, and emits it on every change',
    marbles((helpers) => {
      const { expectObservable, flush } = helpers
      const { deployments, sent } = clientOf(
        {
          [STATE]: [textAnswer('Executing'), textAnswer('Executing'), textAnswer('Ready')],
          [KEY]: [notSet, textAnswer('10.0.0.7'), textAnswer('10.0.0.7'), textAnswer('10.0.0.8')],
          [RUN]: [run('Provisioning'), run('Provisioning', { [HOST]: '' })],
        },
        helpers,
      )
      // Polls at 0 (no such key), 1 s (not set), 2 s (not set yet), 3 s, 4 s (the same), 5 s.
      expectObservable(deployments.parameter(ID, HOST, every), '^ 5500ms !').toBe('3s a 1999ms b', {
        a: '10.0.0.7',
        b: '10.0.0.8',
      })
      flush()
      expect(sent()).toEqual([
        RUN,
        RUN,
        ...[1, 2, 3, 4].flatMap(() => [`${STATE}?ignoreabort=false`, `${KEY}?ignoreabort=false`]),
      ])
    }),
  )

  it('reads only the document of a deployment that can be scaled: the key might go with its instance', () => {
    const scalable = (state: string, value: string) => run(state, { [HOST]: value }, { mutable: true })
    const { values, completed, sent } = tell(
      { [RUN]: [scalable('Executing', 'a'), scalable('Ready', 'b'), scalable('Done', 'b')] },
      ({ deployments }) => deployments.parameter(ID, HOST, every),
    )
    expect([values, completed, sent]).toEqual([['a', 'b'], true, [RUN, RUN, RUN]])
  })

  it(
    'emits at once what is set, and completes when the deployment is over',
    marbles((helpers) => {
      const { expectObservable } = helpers
      const { deployments } = clientOf(
        {
          [STATE]: [textAnswer('Ready'), textAnswer('Done')],
          [KEY]: [textAnswer('a'), textAnswer('b')],
          [RUN]: run('Executing', { [HOST]: 'a' }),
        },
        helpers,
      )
      expectObservable(deployments.parameter(ID, HOST, every)).toBe('a 1999ms (b|)')
    }),
  )

  it('completes without a value for a deployment that ended without the key', () => {
    const { values, completed, sent } = tell({ [RUN]: run('Cancelled') }, ({ deployments }) =>
      deployments.parameter(ID, 'worker.7:hostname'),
    )
    expect([values, completed, sent]).toEqual([[], true, [RUN]])
  })

  it('emits the same value again when it was taken back in between', () => {
    const { values } = tell(
      {
        [STATE]: [textAnswer('Ready'), textAnswer('Ready'), textAnswer('Done')],
        [KEY]: [notSet, textAnswer('a')],
        [RUN]: run('Executing', { [HOST]: 'a' }),
      },
      ({ deployments }) => deployments.parameter(ID, HOST, every),
    )
    expect(values).toEqual(['a', 'a'])
  })

  it('fails with the abort message, which only the document has', () => {
    const { values, error, sent } = tell(
      {
        [STATE]: raised,
        [RUN]: [run('Executing', { [HOST]: 'a' }), run('Executing', { [HOST]: 'b', 'ss:abort': 'boom' })],
      },
      ({ deployments }) => deployments.parameter(ID, HOST, every),
    )
    expect(values).toEqual(['a'])
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error?.message).toBe(`slipstream.deployments.parameter: deployment ${ID} was aborted: boom`)
    expect(sent).toEqual([RUN, `${STATE}?ignoreabort=false`, RUN])
  })

  it('goes on after an abort if that is ignored', () => {
    const { values, completed, sent } = tell(
      {
        [STATE]: textAnswer('Aborted'),
        [KEY]: textAnswer('b'),
        [RUN]: run('Executing', { [HOST]: 'a', 'ss:abort': 'boom' }),
      },
      ({ deployments }) => deployments.parameter(ID, HOST, { ...every, ignoreAbort: true }),
    )
    expect([values, completed]).toEqual([['a', 'b'], true])
    expect(sent.slice(1)).toEqual([`${STATE}?ignoreabort=true`, `${KEY}?ignoreabort=true`])
  })

  it('goes on after a poll that failed for the moment, and ends with what does not pass', () => {
    const { values, error } = tell(
      {
        [STATE]: [{ status: 503 }, textAnswer('Ready')],
        [KEY]: [textAnswer('b'), legacyError(404, 'Not Found', 'gone')],
        [RUN]: run('Executing', { [HOST]: 'a' }),
      },
      ({ deployments }) => deployments.parameter(ID, HOST, every),
    )
    expect(values).toEqual(['a', 'b'])
    expect(error).toBeInstanceOf(NotFoundError)
  })

  it('starts anew with each subscription', () => {
    const { values, sent } = tell({ [RUN]: run('Done', { [HOST]: 'a' }) }, ({ deployments }) => {
      const stream = deployments.parameter(ID, HOST)
      stream.subscribe({
        error: (error: unknown) => {
          throw error
        },
      })
      return stream
    })
    expect([values, sent]).toEqual([['a'], [RUN, RUN]])
  })

  it(
    'closes the request under way when nobody listens any more',
    marbles((helpers) => {
      const { cold, expectObservable, expectSubscriptions } = helpers
      const poll = cold('-----(a|)', { a: run('Ready') })
      const { deployments } = clientOf({ [RUN]: poll }, helpers)
      expectObservable(deployments.parameter(ID, HOST), '^--!').toBe('---')
      expectSubscriptions(poll.subscriptions).toBe('^--!')
    }),
  )
})
