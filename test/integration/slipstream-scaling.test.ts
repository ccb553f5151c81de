import { firstValueFrom, lastValueFrom } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Deployment } from '../../src/clients/slipstream/index.js'
import {
  ConflictError,
  OperationFailedError,
  ValidationError,
  type HttpError,
  type OperationRef,
} from '../../src/errors.js'
import { courseOf, errorOf, everyPoll, listOf, outcomeOf, slipstreamSite } from './slipstream-site.js'

const site = slipstreamSite()
const STEP = 4_000
const again = ['submitted', 'Provisioning', 'Executing', 'SendingReports', 'Ready', 'done']

/** An application that is ready, with one apache and two workers. */
function ready(options: { readonly mutable?: boolean } = {}): string {
  const seed = {
    owner: 'jane',
    module: 'examples/tutorials/web-farm',
    mutable: true,
    moves: true,
    ...options,
  }
  const [id = ''] = site.slipstream.runs.create(seed)
  site.slipstream.runs.setState(id, 'Ready')
  return id
}
const idsOf = ({ nodes }: Deployment): readonly number[] | undefined =>
  nodes.find(({ name }) => name === 'worker')?.ids

describe('adding instances', () => {
  it('goes through all states to Ready, and tells their names', async () => {
    const id = ready()
    const { deployments } = site.clientOf()
    const add = deployments.addInstances(id, 'worker', 2, everyPoll).pipe(site.advancing(STEP))
    const { events, error } = await outcomeOf(add)
    expect(error).toBeUndefined()
    expect(courseOf(events)).toEqual(again)
    expect(events.at(-1)).toMatchObject({ kind: 'done', result: ['worker.3', 'worker.4'] })
    const deployment = await firstValueFrom(deployments.get(id))
    expect(idsOf(deployment)).toEqual([1, 2, 3, 4])
    expect(deployment.instances.find(({ name }) => name === 'worker.4')).toMatchObject({
      id: 4,
      scaleState: 'operational',
      vmstate: 'Running',
    })
    expect(await listOf(deployments.instances(id, 'worker'))).toEqual([
      'worker.1',
      'worker.2',
      'worker.3',
      'worker.4',
    ])
  })

  it('adds one without a number, and none by mistake (defect 4)', async () => {
    const id = ready()
    const { deployments } = site.clientOf()
    const sent = site.requestsFromNow({ method: 'POST', path: `/run/${id}/*` })
    expect(() => deployments.addInstances(id, 'worker', 0)).toThrow('quantity')
    const last = await lastValueFrom(
      deployments.addInstances(id, 'worker', undefined, everyPoll).pipe(site.advancing(STEP)),
    )
    expect(last).toMatchObject({ kind: 'done', result: ['worker.3'] })
    expect(sent().map(({ bytes }) => bytes)).toEqual([0])
  })

  it('fails with the message when it is aborted on the way', async () => {
    const id = ready()
    site.slipstream.runs.fail(id, { node: 'worker.3', state: 'Provisioning', message: 'No machine left' })
    const add = site.clientOf().deployments.addInstances(id, 'worker', 1, everyPoll)
    const { error } = await outcomeOf(add.pipe(site.advancing(STEP)))
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error?.message).toMatch(/^slipstream\.deployments\.addInstances: .*No machine left/)
  })

  it('goes on in another program', async () => {
    const id = ready()
    const first = await firstValueFrom(site.clientOf().deployments.addInstances(id, 'worker', 1, everyPoll))
    if (first.kind !== 'submitted') throw new Error('expected submitted')
    expect(first.ref.args).toEqual({ id, node: 'worker', instances: 'worker.3' })
    const ref = JSON.parse(JSON.stringify(first.ref)) as OperationRef
    const after = site.clientOf().deployments.watch(ref, everyPoll).pipe(site.advancing(STEP))
    expect(await lastValueFrom(after)).toMatchObject({ kind: 'done', result: { state: 'Ready' } })
  })
})

describe('removing instances', () => {
  it.each<
    [
      string,
      readonly number[],
      Parameters<ReturnType<typeof site.clientOf>['deployments']['removeInstances']>[2],
    ]
  >([
    ['numbers', [2], [1]],
    ['a text with commas (defect 3)', [], '1,2'],
    ['names', [1], ['worker.2']],
  ])('by %s leaves %j, and ids are never used again', async (_, left, ids) => {
    const id = ready()
    const { deployments } = site.clientOf()
    const remove = deployments.removeInstances(id, 'worker', ids, everyPoll).pipe(site.advancing(STEP))
    const { events, error } = await outcomeOf(remove)
    expect(error).toBeUndefined()
    expect(courseOf(events)).toEqual(again)
    const deployment = await firstValueFrom(deployments.get(id))
    expect(idsOf(deployment)).toEqual(left)
    const states = deployment.instances
      .filter(({ node }) => node === 'worker')
      .map(({ scaleState }) => scaleState)
    expect(states.filter((state) => state === 'gone')).toHaveLength(2 - left.length)
    // Those that went are still named.
    expect(await listOf(deployments.instances(id, 'worker'))).toEqual(['worker.1', 'worker.2'])
    const add = deployments.addInstances(id, 'worker', 1, everyPoll).pipe(site.advancing(STEP))
    expect(await lastValueFrom(add)).toMatchObject({ result: ['worker.3'] })
  })
})

describe('what the server refuses', () => {
  it.each([
    ['not scalable', () => ready({ mutable: false }), "Can't add/remove instances. Run is not mutable."],
    [
      'not ready',
      () => {
        const id = ready()
        site.slipstream.runs.setState(id, 'Provisioning')
        return id
      },
      "Can't add/remove instances. Incompatible state Provisioning. This can only be performed on state Ready",
    ],
    [
      'aborted',
      () => {
        const id = ready()
        site.slipstream.runs.abort(id, 'Broken')
        return id
      },
      'Abort flag raised!',
    ],
  ] as const)('409: a deployment that is %s', async (_, make, reason) => {
    const id = make()
    const { deployments } = site.clientOf()
    const sent = site.requestsFromNow({ path: `/run/${id}*` })
    for (const scaling of [
      deployments.addInstances(id, 'worker', 1),
      deployments.removeInstances(id, 'worker', [1]),
    ]) {
      const { events, error } = await outcomeOf<unknown>(scaling)
      expect(events).toEqual([])
      expect(error).toBeInstanceOf(ConflictError)
      expect(error).toMatchObject({ status: 409, reason, attempts: 1 })
    }
    expect(sent()).toHaveLength(2)
    expect(idsOf(await firstValueFrom(deployments.get(id)))).toEqual([1, 2])
  })

  it('409: more than a hundred at a time, and more than the quota', async () => {
    const id = ready()
    const { deployments } = site.clientOf()
    const many = await errorOf(deployments.addInstances(id, 'worker', 101))
    expect(many).toBeInstanceOf(ConflictError)
    expect((many as HttpError).reason).toBe('Limit exceeded. Maximum 100 VMs per scale action.')
    site.slipstream.setQuota('exoscale-ch-gva', 10)
    const dear = await errorOf(deployments.addInstances(id, 'worker', 50))
    site.slipstream.setQuota('exoscale-ch-gva', 1000)
    expect((dear as HttpError).reason).toMatch(/^Quota 'exoscale-ch-gva' exceeded/)
  })

  it('400: nodes that there are not, and says which', async () => {
    const id = ready()
    const { deployments } = site.clientOf()
    const added = await errorOf(deployments.addInstances(id, 'db', 1))
    expect(added).toBeInstanceOf(ValidationError)
    expect((added as HttpError).reason).toBe("Node db doesn't exist.")
    const removed = await errorOf(deployments.removeInstances(id, 'db', [1]))
    expect(removed).toBeInstanceOf(ValidationError)
    expect((removed as HttpError).reason).toBe('Invalid nodename: db')
    const unknown = await errorOf(deployments.removeInstances(id, 'worker', [7]))
    expect((unknown as HttpError).reason).toBe('Unknown instance: worker.7')
    // What is no list of ids, and no number, is never sent: the server would say 400 as well.
    const sent = site.requestsFromNow()
    expect(() => deployments.removeInstances(id, 'worker', [])).toThrow(TypeError)
    expect(() => deployments.removeInstances(id, 'worker', 'one')).toThrow("there is 'one'")
    expect(() => deployments.addInstances(id, 'worker', 1.5)).toThrow(TypeError)
    expect(() => deployments.addInstances(id, 'worker:ids', 1)).toThrow(TypeError)
    expect(sent()).toEqual([])
    expect(site.slipstream.runs.get(id)?.abort).toBe('')
  })
})
