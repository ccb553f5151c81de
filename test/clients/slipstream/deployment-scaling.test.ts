import { describe, expect, it } from 'vitest'
import { ConflictError, OperationFailedError } from '../../../src/errors.js'
import { marbles } from '../../../src/testing/marbles.js'
import { clientOf, ID, legacyError, run, RUN, tell, textAnswer } from './run-answers.js'

const every = { interval: 1_000 }
const POST = `POST /run/${ID}/worker`
const DELETE = `DELETE /run/${ID}/worker`
const scaled = textAnswer('worker.2,worker.3', 201)
const walk = ['Provisioning', 'Executing', 'Ready'].map((state) => run(state, {}, { mutable: true }))

describe('addInstances', () => {
  it('adds, watches until Ready, and ends with the new names', () => {
    const { values, completed, sent } = tell({ [POST]: scaled, [RUN]: walk }, ({ deployments }) =>
      deployments.addInstances(ID, 'worker', 2, every),
    )
    expect(values.map((event) => (event.kind === 'progress' ? event.state : event.kind))).toEqual([
      'submitted',
      'Provisioning',
      'Executing',
      'Ready',
      'done',
    ])
    expect(values.at(-1)).toMatchObject({
      result: ['worker.2', 'worker.3'],
      ref: {
        operation: 'slipstream.deployments.addInstances',
        args: { id: ID, node: 'worker', instances: 'worker.2,worker.3' },
      },
    })
    expect(completed).toBe(true)
    expect(sent).toEqual([`${POST} n=2`, RUN, RUN, RUN])
  })

  it('adds one without a body if no number is given', () => {
    const { sent } = tell({ [POST]: scaled, [RUN]: run('Ready') }, ({ deployments }) =>
      deployments.addInstances(ID, 'worker'),
    )
    expect(sent).toEqual([POST, RUN])
  })

  it('takes Ready after the answer for the end: the deployment was Provisioning before it came', () => {
    const { values } = tell({ [POST]: scaled, [RUN]: run('Ready') }, ({ deployments }) =>
      deployments.addInstances(ID, 'worker', 2),
    )
    expect(values.map(({ kind }) => kind)).toEqual(['submitted', 'progress', 'done'])
  })

  it(
    'refuses 0, which the reference takes for 1 (defect 4), and what is no number of instances',
    marbles((helpers) => {
      const { deployments, sent } = clientOf({}, helpers)
      for (const quantity of [0, -1, 1.5, Number.NaN, '2' as unknown as number]) {
        expect(() => deployments.addInstances(ID, 'worker', quantity), String(quantity)).toThrow(
          /^quantity: /,
        )
      }
      for (const node of ['', 'worker.1', 'machine:hostname', 'a/b', 'ss:abort']) {
        expect(() => deployments.addInstances(ID, node, 1), node).toThrow(/^node: /)
        expect(() => deployments.instances(ID, node), node).toThrow(/^node: /)
      }
      expect(() => deployments.addInstances(ID, 'worker', 1, { timeout: 0 })).toThrow(/^timeout: /)
      expect(sent()).toEqual([])
    }),
  )

  it('fails with the message when the deployment is aborted on the way', () => {
    const { values, error } = tell(
      { [POST]: scaled, [RUN]: [run('Provisioning'), run('Executing', { 'ss:abort': 'boom' })] },
      ({ deployments }) => deployments.addInstances(ID, 'worker', 2, every),
    )
    expect(values.map(({ kind }) => kind)).toEqual(['submitted', 'progress', 'progress'])
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error?.message).toContain('slipstream.deployments.addInstances: ')
    expect(error?.message).toContain(': boom')
  })

  it('tells why it is refused, and does not ask again', () => {
    const why = "Can't add/remove instances. Run is not mutable."
    const { values, error, sent } = tell({ [POST]: legacyError(409, 'Conflict', why) }, ({ deployments }) =>
      deployments.addInstances(ID, 'worker', 2),
    )
    expect([values, sent.length]).toEqual([[], 1])
    expect(error).toBeInstanceOf(ConflictError)
    expect(error?.message).toContain(why)
    expect(
      tell({ [POST]: { status: 503 } }, ({ deployments }) => deployments.addInstances(ID, 'worker')).sent,
    ).toEqual([POST])
  })
})

describe('removeInstances', () => {
  it('sends the ids as one field, however they are given (defect 3)', () => {
    for (const ids of [[2, 13], '2,13', ['2', '13'], '2, 13', ['worker.2', 'worker.13'], [2, '13', 2]]) {
      const { values, completed, sent } = tell(
        { [DELETE]: { status: 204 }, [RUN]: walk },
        ({ deployments }) => deployments.removeInstances(ID, 'worker', ids, every),
      )
      expect(sent).toEqual([`${DELETE} ids=2%2C13`, RUN, RUN, RUN])
      expect([values.at(-1)?.kind, completed]).toEqual(['done', true])
    }
    expect(
      tell({ [DELETE]: { status: 204 }, [RUN]: walk }, ({ deployments }) =>
        deployments.removeInstances(ID, 'worker', 7, every),
      ).sent[0],
    ).toBe(`${DELETE} ids=7`)
  })

  it(
    'refuses what are no ids before anything is sent',
    marbles((helpers) => {
      const { deployments, sent } = clientOf({}, helpers)
      for (const ids of [[], '', 'x', ['other.2'], [-1], [1.5], '2,,3', ['worker.']]) {
        expect(() => deployments.removeInstances(ID, 'worker', ids), String(ids)).toThrow(/^ids: /)
      }
      expect(sent()).toEqual([])
    }),
  )

  it('is not sent again: the second time would find the deployment at work', () => {
    const { error, sent } = tell({ [DELETE]: { status: 503 } }, ({ deployments }) =>
      deployments.removeInstances(ID, 'worker', 2),
    )
    expect([error?.code, sent.length]).toEqual(['SKY_HTTP_SERVER', 1])
    const asked = tell({ [DELETE]: { status: 502 } }, ({ deployments }) =>
      deployments.removeInstances(ID, 'worker', 2, { call: { retry: true } }),
    )
    expect(asked.sent).toHaveLength(1)
  })
})

describe('instances', () => {
  it('emits each name, none for an empty text', () => {
    const route = `GET /run/${ID}/worker`
    const { values, sent, accepted } = tell({ [route]: textAnswer('worker.1,worker.2') }, ({ deployments }) =>
      deployments.instances(ID, 'worker'),
    )
    expect([values, sent, accepted]).toEqual([['worker.1', 'worker.2'], [route], ['text/plain']])
    const none = tell({ [route]: textAnswer('') }, ({ deployments }) => deployments.instances(ID, 'worker'))
    expect([none.values, none.completed]).toEqual([[], true])
  })
})
