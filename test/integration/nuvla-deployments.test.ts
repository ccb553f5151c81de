import {
  concatMap,
  filter,
  firstValueFrom,
  lastValueFrom,
  map,
  of,
  ReplaySubject,
  take,
  toArray,
  type Observable,
} from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { NuvlaClient, NuvlaDeployment, NuvlaJob } from '../../src/clients/slipstream/index.js'
import {
  ConfigurationError,
  ConflictError,
  HttpError,
  NotFoundError,
  OperationFailedError,
  PermissionError,
  PollTimeoutError,
  type OperationRef,
} from '../../src/errors.js'
import type { OperationEvent } from '../../src/streams/events.js'
import {
  clientOf,
  errorOf,
  itemsOf,
  nuvlaOf,
  outcomeOf,
  sentTo,
  statesOf,
  STEP_MS,
  stepping,
  strangerOf,
  type NuvlaSite,
} from './nuvla-site.js'

const WHOLE_JOB_MS = 20 * STEP_MS

function resultOf<S, R>(events: readonly OperationEvent<S, R>[]): R {
  const last = events.at(-1)
  if (last?.kind !== 'done') throw new Error(`expected done, but got ${String(last?.kind)}`)
  return last.result
}

/** A deployment on the infrastructure of the user that is not started. */
async function made(cloud: NuvlaSite, client: NuvlaClient, parent = cloud.nuvla.credential): Promise<string> {
  const { id } = await firstValueFrom(client.deployments.create(cloud.nuvla.modules.application, { parent }))
  return id
}
async function started(cloud: NuvlaSite, client: NuvlaClient): Promise<string> {
  const id = await made(cloud, client)
  await lastValueFrom(client.deployments.start(id, stepping(cloud)))
  return id
}
const stateOf = async (client: NuvlaClient, id: string): Promise<string> =>
  (await firstValueFrom(client.deployments.get(id))).state

/** Goes on by itself, and tells everybody everything. */
function recorded<T>(source: Observable<T>): Observable<T> {
  const record = new ReplaySubject<T>(Number.POSITIVE_INFINITY)
  source.subscribe(record)
  return record
}

/** The ref of what was submitted last, as another program would read it. */
function kept(events: readonly OperationEvent<unknown>[]): OperationRef {
  const submitted = events.filter((event) => event.kind === 'submitted').at(-1)
  if (submitted === undefined) throw new Error('expected submitted')
  return JSON.parse(JSON.stringify(submitted.ref)) as OperationRef
}

describe('deploy', () => {
  it('makes, starts, and tells the percentage and the words of the job until STARTED', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const { application } = cloud.nuvla.modules
    const { events, error } = await outcomeOf(
      client.deployments.deploy(application, {
        parent: cloud.nuvla.credential,
        name: 'blog',
        tags: ['demo'],
        ...stepping(cloud),
      }),
    )
    expect(error).toBeUndefined()
    const [created, start] = events
    expect(created).toMatchObject({ kind: 'submitted', ref: { operation: 'nuvla.deployments.create' } })
    expect(start).toMatchObject({
      kind: 'submitted',
      ref: { cloud: 'nuvla', operation: 'nuvla.deployments.start' },
    })
    const told = events.flatMap((event) =>
      event.kind === 'progress' ? [[event.state, event.percent, event.message]] : [],
    )
    expect(told).toEqual([
      ['STARTING', 0, undefined],
      ['STARTING', 20, 'start_deployment: 20%'],
      ['STARTING', 40, 'start_deployment: 40%'],
      ['STARTING', 60, 'start_deployment: 60%'],
      ['STARTING', 80, 'start_deployment: 80%'],
      ['STARTED', 100, 'start_deployment: 80%'],
    ])
    const deployment = resultOf(events)
    expect(deployment).toMatchObject({
      state: 'STARTED',
      name: 'blog',
      tags: ['demo'],
      parent: cloud.nuvla.credential,
      module: { href: application, path: 'apps/wordpress' },
    })
    expect(await firstValueFrom(client.deployments.urls(deployment.id))).toEqual([
      { name: 'wordpress', url: 'http://198.18.1.10:32768' },
      { name: 'admin', url: 'http://198.18.1.10:32768/wp-admin' },
    ])
  })

  it('costs one request for each poll while the job is in a state', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const { events } = await outcomeOf(
      client.deployments.deploy(cloud.nuvla.modules.application, {
        parent: cloud.nuvla.credential,
        ...stepping(cloud),
      }),
    )
    const { id } = resultOf(events)
    const job = String(kept(events).args['job'])
    const { polls } = events.findLast((event) => event.kind === 'done') ?? { polls: 0 }
    const sent = sentTo(cloud)
    expect(sent.filter((request) => request === `GET /api/${job}`)).toHaveLength(polls)
    // Before the start, and in QUEUED, RUNNING and SUCCESS.
    expect(sent.filter((request) => request === `GET /api/${id}`)).toHaveLength(4)
    // Besides them, a look at what the collection offers, and what was submitted.
    expect(sent).toHaveLength(polls + 4 + 3)
  })

  it('of a version, by its bare uuid', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const version = `${cloud.nuvla.modules.application.replace('module/', '')}_0`
    const deployment = await firstValueFrom(client.deployments.create(version))
    expect(deployment).toMatchObject({ state: 'CREATED', module: { href: `module/${version}` } })
    expect(await errorOf(client.deployments.create(`${version}9`))).toBeInstanceOf(NotFoundError)
  })

  it('is an error with the words of the job that failed, after the last snapshot', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    cloud.nuvla.failNext('no space left on device')
    const { events, error } = await outcomeOf(
      client.deployments.deploy(cloud.nuvla.modules.application, {
        parent: cloud.nuvla.credential,
        ...stepping(cloud),
      }),
    )
    expect(error).toBeInstanceOf(OperationFailedError)
    const failure = error as OperationFailedError<NuvlaDeployment>
    expect(failure.message).toMatch(
      /^nuvla\.deployments\.start: job\/\S+ is FAILED \(return code 1\): no space left on device$/,
    )
    expect(failure.snapshot).toMatchObject({ state: 'ERROR' })
    expect(failure.history.map(({ state }) => state)).toEqual(['STARTING', 'ERROR'])
    // The job's 100 of a failure is no progress.
    expect(events.at(-1)).toMatchObject({ kind: 'progress', state: 'ERROR', percent: 40 })

    // Who comes later hears the same.
    const { id } = failure.snapshot
    const later = await errorOf(client.deployments.watch(id, stepping(cloud)))
    expect(later.message).toContain('no space left on device')
    // It may be tried again.
    expect(statesOf((await outcomeOf(client.deployments.update(id, stepping(cloud)))).events).at(-2)).toBe(
      'STARTED',
    )
  })

  it('is an error when somebody cancels the job', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    let isCancelled = false
    const interval = (): number => {
      if (!isCancelled) cloud.clock.advance(STEP_MS)
      return 1
    }
    const { application } = cloud.nuvla.modules
    const { events, error } = await outcomeOf(
      client.deployments.deploy(application, { parent: cloud.nuvla.credential, interval }).pipe(
        concatMap((event) => {
          if (isCancelled || event.kind !== 'progress' || event.percent !== 20) return of(event)
          isCancelled = true
          return client.jobs.cancel(String(event.ref.args['job'])).pipe(map(() => event))
        }),
      ),
    )
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error?.message).toContain('is CANCELED: Job was canceled')
    expect(await stateOf(client, String(kept(events).args['id']))).toBe('ERROR')
  })

  it('waits for an edge device to fetch the job', async () => {
    const cloud = await nuvlaOf()
    const { deployments } = clientOf(cloud)
    const { events } = await outcomeOf(
      deployments.deploy(cloud.nuvla.modules.component, {
        parent: cloud.nuvla.edgeCredential,
        ...stepping(cloud),
      }),
    )
    expect(statesOf(events)).toEqual([
      'submitted',
      'submitted',
      'PENDING',
      ...Array.from({ length: 5 }, () => 'STARTING'),
      'STARTED',
      'done',
    ])
  })

  it('without a credential starts nothing, and leaves what was made', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const { events, error } = await outcomeOf(client.deployments.deploy(cloud.nuvla.modules.component))
    expect(statesOf(events)).toEqual(['submitted'])
    expect(error).toMatchObject({ status: 400, operation: 'nuvla.cimi.operate' })
    const { args } = kept(events)
    const id = String(args['id'])
    const chosen = await firstValueFrom(client.deployments.setCredential(id, cloud.nuvla.credential))
    expect(chosen).toMatchObject({ id, parent: cloud.nuvla.credential, state: 'CREATED' })
    expect(statesOf((await outcomeOf(client.deployments.start(id, stepping(cloud)))).events).at(-1)).toBe(
      'done',
    )
  })

  it('of who has not paid: 402, and nothing is tried again', async () => {
    const cloud = await nuvlaOf()
    const { username, password } = cloud.nuvla.unsubscribedUser
    const client = strangerOf(cloud, { username, password })
    const { error } = await outcomeOf(
      client.deployments.deploy(cloud.nuvla.modules.component, {
        parent: cloud.nuvla.unsubscribedCredential,
      }),
    )
    expect(error).toBeInstanceOf(HttpError)
    expect(error).toMatchObject({
      status: 402,
      reason: 'Valid subscription and payment method are needed!',
      retryable: false,
      attempts: 1,
    })
    const starts = cloud.requests({ method: 'POST', path: /^.*\/start$/ })
    expect(starts).toHaveLength(1)
  })

  it('on the infrastructure of somebody else is forbidden', async () => {
    const cloud = await nuvlaOf()
    const error = await errorOf(
      clientOf(cloud).deployments.deploy(cloud.nuvla.modules.component, {
        parent: cloud.nuvla.unsubscribedCredential,
      }),
    )
    expect(error).toBeInstanceOf(PermissionError)
    expect(cloud.nuvla.documents.list('deployment')).toEqual([])
  })
})

describe('the life of a deployment', () => {
  it('is stopped, started, updated, stopped, and removed', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const { deployments } = client
    const id = await started(cloud, client)
    const five = (state: string): string[] => Array.from({ length: 5 }, () => state)
    const steps = stepping(cloud)
    const stop = await outcomeOf(deployments.stop(id, { ...steps, removeVolumes: true, removeImages: false }))
    expect(statesOf(stop.events)).toEqual(['submitted', ...five('STOPPING'), 'STOPPED', 'done'])
    const job = cloud.nuvla.documents.get(String(kept(stop.events).args['job']))
    expect(JSON.parse(String(job?.['payload']))).toEqual({ 'remove-volumes': true, 'remove-images': false })
    const start = await outcomeOf(deployments.start(id, steps))
    expect(statesOf(start.events)).toEqual(['submitted', ...five('STARTING'), 'STARTED', 'done'])
    const update = await outcomeOf(deployments.update(id, steps))
    expect(statesOf(update.events)).toEqual(['submitted', ...five('UPDATING'), 'STARTED', 'done'])
    await lastValueFrom(deployments.stop(id, steps))
    await lastValueFrom(deployments.remove(id))
    const error = await errorOf(deployments.get(id))
    expect(error).toBeInstanceOf(NotFoundError)
    expect(error).toMatchObject({ reason: `${id} not found` })
  })

  it('ends with its stop, if that is wanted', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const id = await started(cloud, client)
    const { events } = await outcomeOf(client.deployments.stop(id, { delete: true, ...stepping(cloud) }))
    expect(resultOf(events)).toMatchObject({ id })
    expect(statesOf(events).at(-1)).toBe('done')
    expect(await errorOf(client.deployments.get(id))).toBeInstanceOf(NotFoundError)
  })

  it('is stopped while it starts', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const id = await made(cloud, client)
    const start = outcomeOf(client.deployments.start(id, { interval: 1 }))
    while ((await stateOf(client, id)) !== 'STARTING') continue
    const { events } = await outcomeOf(client.deployments.stop(id, stepping(cloud)))
    expect(statesOf(events).at(-2)).toBe('STOPPED')
    // Whoever waited for the start hears that it will not come.
    const { error } = await start
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error?.message).toContain('is CANCELED: Superseded')
  })

  it('is not removed while it is STARTED: the error says what it offers', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const id = await started(cloud, client)
    const error = await errorOf(client.deployments.remove(id))
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error.message).toContain(`${id} does not offer 'delete'`)
    expect(error.message).toMatch(/it offers: .*\bstop\b.*\bupdate\b/)
    expect(cloud.requests({ method: 'DELETE' })).toEqual([])
    expect(await errorOf(client.deployments.start(id))).toBeInstanceOf(ConfigurationError)

    await lastValueFrom(client.deployments.forceRemove(id))
    expect(await errorOf(client.deployments.get(id))).toBeInstanceOf(NotFoundError)
  })

  it('what was offered a moment ago and is refused now is a ConflictError', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const id = await made(cloud, client)
    // Between the look and the action, another one is faster.
    const slow = clientOf(cloud, {
      middleware: [
        (next) => (request, handler) => {
          if (!request.path.endsWith('/start')) return next(request, handler)
          const faster = client.cimi.operate(id, 'start').subscribe({
            next: () => next(request, handler),
            error: (error: unknown) => expect.fail(String(error)),
          })
          return () => {
            faster.unsubscribe()
          }
        },
      ],
    })
    const error = await errorOf(slow.deployments.start(id))
    expect(error).toBeInstanceOf(ConflictError)
    expect(error).toMatchObject({
      reason: `Action start cannot be called on ${id} in state STARTING!`,
      attempts: 1,
    })
  })
})

describe('terminate', () => {
  type Arrange = (cloud: NuvlaSite, client: NuvlaClient, id: string) => Promise<unknown>
  const act = async (client: NuvlaClient, id: string, action: string): Promise<void> => {
    await lastValueFrom(client.cimi.operate(id, action))
  }
  const arrangements: Readonly<Record<string, Arrange>> = {
    CREATED: () => Promise.resolve(),
    STARTING: (_cloud, client, id) => act(client, id, 'start'),
    STARTED: (cloud, client, id) => lastValueFrom(client.deployments.start(id, stepping(cloud))),
    UPDATING: async (cloud, client, id) => {
      await lastValueFrom(client.deployments.start(id, stepping(cloud)))
      await act(client, id, 'update')
    },
    STOPPING: async (cloud, client, id) => {
      await lastValueFrom(client.deployments.start(id, stepping(cloud)))
      await act(client, id, 'stop')
    },
    STOPPED: async (cloud, client, id) => {
      await lastValueFrom(client.deployments.start(id, stepping(cloud)))
      await lastValueFrom(client.deployments.stop(id, stepping(cloud)))
    },
    ERROR: async (cloud, client, id) => {
      cloud.nuvla.failNext('broken')
      await errorOf(client.deployments.start(id, stepping(cloud)))
    },
  }

  it.each(Object.keys(arrangements))('from %s', async (state) => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const id = await made(cloud, client)
    await arrangements[state]?.(cloud, client, id)
    expect(await stateOf(client, id)).toBe(state)
    const { events, error } = await outcomeOf(client.deployments.terminate(id, stepping(cloud)))
    expect(error).toBeUndefined()
    expect(statesOf(events)[0]).toBe('submitted')
    expect(resultOf(events)).toMatchObject({ id })
    expect(cloud.nuvla.documents.get(id)).toBeUndefined()
    expect(cloud.requests({ method: 'DELETE' }).map(({ path, status }) => [path, status])).toEqual([
      [`/api/${id}`, 200],
    ])
  })

  it('of a deployment that is waiting for its edge device', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const id = await made(cloud, client, cloud.nuvla.edgeCredential)
    await act(client, id, 'start')
    expect(await stateOf(client, id)).toBe('PENDING')
    await lastValueFrom(client.deployments.terminate(id, stepping(cloud)))
    expect(cloud.nuvla.documents.get(id)).toBeUndefined()
  })

  it('again is a NotFoundError', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const id = await made(cloud, client)
    await lastValueFrom(client.deployments.terminate(id))
    expect(await errorOf(client.deployments.terminate(id))).toBeInstanceOf(NotFoundError)
  })

  it('goes on in another program', async () => {
    const cloud = await nuvlaOf()
    const first = clientOf(cloud)
    const id = await started(cloud, first)
    const { ref } = await firstValueFrom(first.deployments.terminate(id))
    first.close()
    if (ref === undefined) throw new Error('expected a ref')
    const second = clientOf(cloud)
    const attached = outcomeOf(
      second.deployments.watch(JSON.parse(JSON.stringify(ref)) as OperationRef, { interval: 1 }),
    )
    expect(
      resultOf((await outcomeOf(second.deployments.terminate(id, stepping(cloud)))).events),
    ).toMatchObject({ id })
    expect(resultOf((await attached).events)).toMatchObject({ id })
  })
})

describe('another program', () => {
  it('goes on with the ref of a start', async () => {
    const cloud = await nuvlaOf()
    const first = clientOf(cloud)
    const events = await lastValueFrom(
      first.deployments
        .deploy(cloud.nuvla.modules.application, { parent: cloud.nuvla.credential, ...stepping(cloud) })
        .pipe(take(4), toArray()),
    )
    first.close()
    const ref = kept(events)
    expect(ref).toMatchObject({
      cloud: 'nuvla',
      args: { id: expect.stringMatching(/^deployment\//) as string },
    })
    const second = await outcomeOf(clientOf(cloud).deployments.watch(ref, stepping(cloud)))
    expect(second.events[0]).toMatchObject({ kind: 'progress', ref, state: 'STARTING' })
    expect(resultOf(second.events)).toMatchObject({ state: 'STARTED' })
  })

  it('goes on with the ref when the job is over, or was taken away', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const id = await made(cloud, client)
    const [submitted] = await itemsOf(client.deployments.start(id).pipe(take(1)))
    if (submitted === undefined) throw new Error('expected submitted')
    const ref = kept([submitted])
    cloud.clock.advance(WHOLE_JOB_MS)
    expect(resultOf(await itemsOf(client.deployments.watch(ref)))).toMatchObject({ state: 'STARTED' })
    cloud.nuvla.documents.remove(String(ref.args['job']))
    expect(resultOf(await itemsOf(client.deployments.watch(ref)))).toMatchObject({ state: 'STARTED' })
  })

  it('attaches by the id alone, and finds the job', async () => {
    const cloud = await nuvlaOf()
    const first = clientOf(cloud)
    const id = await made(cloud, first)
    await lastValueFrom(first.cimi.operate(id, 'start'))
    cloud.clock.advance(5 * STEP_MS)
    const { events } = await outcomeOf(
      clientOf(cloud).deployments.watch(id.replace('deployment/', ''), stepping(cloud)),
    )
    expect(events[0]).toMatchObject({ kind: 'progress', state: 'STARTING', percent: 40 })
    expect(resultOf(events)).toMatchObject({ state: 'STARTED' })
  })

  it('waits for a state that somebody else brings about', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const id = await started(cloud, client)
    const waiting = outcomeOf(clientOf(cloud).deployments.watch(id, { until: 'STOPPED', interval: 1 }))
    await lastValueFrom(client.deployments.stop(id, stepping(cloud)))
    expect(resultOf((await waiting).events)).toMatchObject({ state: 'STOPPED' })
  })

  it('has an error for an id that does not exist, and for a ref of something else', async () => {
    const client = clientOf(await nuvlaOf())
    expect(await errorOf(client.deployments.watch('none'))).toBeInstanceOf(NotFoundError)
    expect(() =>
      client.deployments.watch({ cloud: 'nuvla', operation: 'nuvla.jobs.watch', args: { id: 'job/1' } }),
    ).toThrow(TypeError)
    expect(() => client.deployments.get('job/1')).toThrow(TypeError)
  })

  it('has a PollTimeoutError with the ref when its time is up', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const id = await made(cloud, client)
    const error = await errorOf(client.deployments.start(id, { interval: 1, timeout: 100 }))
    expect(error).toBeInstanceOf(PollTimeoutError)
    const ref = error instanceof PollTimeoutError ? error.ref : undefined
    cloud.clock.advance(WHOLE_JOB_MS)
    if (ref === undefined) throw new Error('expected a ref')
    expect(resultOf(await itemsOf(client.deployments.watch(ref)))).toMatchObject({ state: 'STARTED' })
  })
})

describe('parameters', () => {
  it('are a list, and one is a stream of its values until the deployment is gone', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const id = await made(cloud, client)
    const hostname = recorded(client.deployments.parameter(id, 'hostname', { interval: 1 }))
    const state = recorded(client.deployments.parameter(id, 'current.state', { interval: 1 }))
    await lastValueFrom(client.cimi.operate(id, 'start'))
    await firstValueFrom(state.pipe(filter((value) => value === 'starting')))
    cloud.clock.advance(WHOLE_JOB_MS)
    await firstValueFrom(state.pipe(filter((value) => value === 'running')))
    await firstValueFrom(hostname)
    const all = await itemsOf(client.deployments.parameters(id))
    expect(Object.fromEntries(all.map(({ name, value }) => [name, value]))).toMatchObject({
      'replicas.desired': '1',
      'replicas.running': '1',
      hostname: '198.18.1.10',
    })
    expect(all.every((parameter) => parameter['node-id'] === 'wordpress')).toBe(true)
    expect(await firstValueFrom(client.deployments.parameter(id, 'tcp.80', { nodeId: 'wordpress' }))).toBe(
      '32768',
    )
    await lastValueFrom(client.deployments.forceRemove(id))
    expect(await itemsOf(hostname)).toEqual(['198.18.1.10'])
    expect(await itemsOf(state)).toEqual(['starting', 'running'])
  })

  it('one that is not set when the deployment fails is an error, and so is a wrong id', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    cloud.nuvla.failNext('no such image')
    const id = await made(cloud, client)
    const waiting = outcomeOf(client.deployments.parameter(id, 'tcp.80', { interval: 1 }))
    await errorOf(client.deployments.start(id, stepping(cloud)))
    const { events, error } = await waiting
    expect(events).toEqual([])
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error?.message).toContain(`${id} is in state ERROR and has no tcp.80`)
    expect(await errorOf(client.deployments.parameter('none', 'hostname'))).toBeInstanceOf(NotFoundError)
  })

  it('of an address are filled in as they become known', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const id = await made(cloud, client)
    expect(await firstValueFrom(client.deployments.urls(id))).toEqual([])
    await lastValueFrom(client.cimi.operate(id, 'start'))
    cloud.clock.advance(WHOLE_JOB_MS)
    expect(await firstValueFrom(client.deployments.urls(id))).toHaveLength(2)
  })
})

describe('jobs', () => {
  it('are listed, got and watched', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const id = await made(cloud, client)
    await lastValueFrom(client.cimi.operate(id, 'start'))
    const [job] = await itemsOf(
      client.jobs.list({ filter: `target-resource/href='${id}'`, select: ['action'] }),
    )
    expect(job).toMatchObject({ action: 'start_deployment', state: 'QUEUED' })
    const whole = await firstValueFrom(client.jobs.get(job?.id ?? ''))
    expect(whole).toMatchObject({
      progress: 0,
      'target-resource': { href: id },
      'affected-resources': [{ href: id }],
      'execution-mode': 'push',
      priority: 999,
    })
    const { events } = await outcomeOf(client.jobs.watch(whole.id, stepping(cloud)))
    const told = events.flatMap((event) =>
      event.kind === 'progress' ? [`${event.state} ${String(event.percent)}`] : [],
    )
    expect(told).toEqual([
      'QUEUED 0',
      'RUNNING 0',
      'RUNNING 20',
      'RUNNING 40',
      'RUNNING 60',
      'RUNNING 80',
      'SUCCESS 100',
    ])
    const done: NuvlaJob = resultOf(events)
    expect(done).toMatchObject({ state: 'SUCCESS', 'return-code': 0, duration: 11 })
  })

  it('are cancelled once', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const id = await made(cloud, client)
    const { location = '' } = await firstValueFrom(client.cimi.operate(id, 'start'))
    const watching = outcomeOf(client.jobs.watch(location, { interval: 1 }))
    await lastValueFrom(client.jobs.cancel(location))
    expect((await watching).error).toBeInstanceOf(OperationFailedError)
    const again = await errorOf(client.jobs.cancel(location))
    expect(again).toBeInstanceOf(ConfigurationError)
    expect(again.message).toContain("does not offer 'cancel'")
    expect(await stateOf(client, id)).toBe('ERROR')
  })

  it('that failed say why', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    cloud.nuvla.failNext('pull access denied')
    const id = await made(cloud, client)
    const { location = '' } = await firstValueFrom(client.cimi.operate(id, 'start'))
    const error = await errorOf(client.jobs.watch(location, stepping(cloud)))
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error.message).toBe(`nuvla.jobs.watch: ${location} is FAILED (return code 1): pull access denied`)
  })
})
