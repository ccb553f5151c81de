import { describe, expect, it } from 'vitest'
import { NotFoundError, OperationFailedError, ResponseFormatError } from '../../../../src/errors.js'
import { FIND_JOB, found, GET_JOB, job, JOB, missing, run } from './answers.js'

const CANCEL = `POST /api/${JOB}/cancel`

describe('jobs of Nuvla', () => {
  it('are listed by a query, in which the state is never left out', () => {
    const routes = { [FIND_JOB]: found(job('RUNNING', 40), job('SUCCESS', 100)) }
    const { values, sent } = run(routes, ({ jobs }) =>
      jobs.list({ filter: "state='RUNNING'", select: ['action'] }),
    )
    expect(values.map(({ state }) => state)).toEqual(['RUNNING', 'SUCCESS'])
    expect(sent).toEqual([
      `${FIND_JOB} first=1&last=500&filter=state%3D%27RUNNING%27&select=id%2Caction%2Cstate`,
    ])
  })

  it('are got by their id or uuid', () => {
    for (const id of [JOB, '7']) {
      const { values, sent } = run({ [GET_JOB]: job('RUNNING', 40) }, ({ jobs }) => jobs.get(id))
      expect(values).toMatchObject([{ id: JOB, state: 'RUNNING', progress: 40 }])
      expect(sent).toEqual([GET_JOB])
    }
  })

  it('are cancelled', () => {
    const routes = { [GET_JOB]: job('RUNNING'), [CANCEL]: { json: { status: 200, message: 'canceled' } } }
    const { completed, sent } = run(routes, ({ jobs }) => jobs.cancel(JOB))
    expect([completed, sent]).toEqual([true, [GET_JOB, CANCEL]])
  })

  it('are watched: percentage, message, and the end', () => {
    const polls = [
      job('QUEUED'),
      job('RUNNING', 20, { 'status-message': ' pulling images ' }),
      job('UNHEARD-OF', 60, { 'status-message': null }),
      job('SUCCESS', 100, { 'return-code': 0, duration: 3 }),
    ]
    const { values, completed, times } = run({ [GET_JOB]: polls }, ({ jobs }) =>
      jobs.watch('7', { interval: 100 }),
    )
    const ref = {
      cloud: 'nuvla',
      operation: 'nuvla.jobs.watch',
      args: { id: JOB },
      since: '1970-01-01T00:00:00.000Z',
    }
    expect(values).toMatchObject([
      { kind: 'progress', ref, state: 'QUEUED', percent: 0 },
      { kind: 'progress', ref, state: 'RUNNING', percent: 20, message: 'pulling images' },
      { kind: 'progress', ref, state: 'UNHEARD-OF', percent: 60 },
      { kind: 'progress', ref, state: 'SUCCESS', percent: 100 },
      { kind: 'done', ref, result: { state: 'SUCCESS', duration: 3 }, polls: 4 },
    ])
    expect([completed, times]).toEqual([true, [0, 100, 200, 300, 300]])
  })

  it('go on being watched by the ref of an event', () => {
    const ref = { cloud: 'nuvla', operation: 'nuvla.jobs.watch', args: { id: JOB } } as const
    const { values } = run({ [GET_JOB]: job('SUCCESS', 100) }, ({ jobs }) => jobs.watch(ref))
    expect(values).toMatchObject([{ ref }, { kind: 'done', ref }])
  })

  it.each([
    [
      'FAILED',
      { 'status-message': 'no space left', 'return-code': 2 },
      'job/7 is FAILED (return code 2): no space left',
    ],
    ['CANCELED', {}, 'job/7 is CANCELED'],
  ])('that are %s fail with what they say', (state, rest, reason) => {
    const polls = [job('RUNNING', 30), job(state, 100, rest)]
    const { values, error } = run({ [GET_JOB]: polls }, ({ jobs }) => jobs.watch(JOB))
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error).toMatchObject({ message: `nuvla.jobs.watch: ${reason}`, state, cloud: 'nuvla' })
    // Its last percentage would be 100, which is not how far it came.
    expect(values.at(-1)).toMatchObject({ kind: 'progress', state, percent: 30 })
  })

  it('tolerate failing polls, and do not wait for what is not there', () => {
    const { values } = run({ [GET_JOB]: [{ status: 503 }, job('SUCCESS')] }, ({ jobs }) => jobs.watch(JOB))
    expect(values.map(({ kind }) => kind)).toEqual(['retrying', 'progress', 'done'])
    expect(run({ [GET_JOB]: missing }, ({ jobs }) => jobs.watch(JOB)).error).toBeInstanceOf(NotFoundError)
  })

  it('without a state are no jobs', () => {
    const { error } = run({ [GET_JOB]: { json: { id: JOB } } }, ({ jobs }) => jobs.get(JOB))
    expect(error).toBeInstanceOf(ResponseFormatError)
    expect(error?.message).toMatch(/^nuvla\.jobs\.read: .*state: /)
  })

  it('that are not as described are told of, or refused', () => {
    const odd = job('RUNNING', 0, { priority: 'high' })
    const drifts: unknown[] = []
    const tolerant = run({ [GET_JOB]: odd }, ({ api, jobs }) => {
      api.traffic.events.subscribe((event) => {
        if (event.kind === 'drift') drifts.push(event.issues)
      })
      return jobs.get(JOB)
    })
    expect(tolerant.values).toHaveLength(1)
    expect(drifts).toEqual([[expect.stringContaining('priority: ')]])
    const { error } = run({ [GET_JOB]: odd }, ({ jobs }) => jobs.get(JOB), { strict: true })
    expect(error).toBeInstanceOf(ResponseFormatError)
  })

  it('are named by what can be an id', () => {
    run({}, ({ jobs, deployments }) => {
      for (const id of [
        '',
        'job/',
        'deployment/1',
        'a b',
        7 as unknown as string,
        undefined as unknown as string,
      ]) {
        expect(() => jobs.get(id)).toThrow(/^id: expected the id of a job/)
        expect(() => jobs.cancel(id)).toThrow(TypeError)
        expect(() => jobs.watch(id)).toThrow(TypeError)
      }
      expect(() => jobs.watch({ cloud: 'nuvla', operation: 'nuvla.deployments.start', args: {} })).toThrow(
        /^target: /,
      )
      expect(() => jobs.watch(JOB, { interval: 0 })).toThrow(/^interval: /)
      return deployments.get('1')
    })
  })
})
