import { inspect } from 'node:util'
import { firstValueFrom, lastValueFrom, map, take, tap } from 'rxjs'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Deployment, DeployOptions, KeepRunning } from '../../src/clients/slipstream/index.js'
import {
  ConflictError,
  NotFoundError,
  OperationFailedError,
  PermissionError,
  PollTimeoutError,
  ValidationError,
  type HttpError,
  type OperationRef,
} from '../../src/errors.js'
import type { OperationEvent } from '../../src/streams/events.js'
import type { RunSnapshot } from '../../src/testing/cloud/index.js'
import { courseOf, done, errorOf, everyPoll, listOf, outcomeOf, slipstreamSite } from './slipstream-site.js'

const site = slipstreamSite()
const WORDPRESS = 'apps/WordPress/wordpress'
const FARM = 'examples/tutorials/web-farm'
/** The states of a run take ten seconds, those in which machines start and recipes run a minute. */
const [STEP, LEAP] = [4_000, 135_000]

// A deployment of another test takes no part of the quota.
const over = ['Done', 'Cancelled', 'Aborted']
beforeEach(() => {
  const { runs } = site.slipstream
  for (const id of runs.ids()) if (!over.includes(runs.get(id)?.state ?? '')) runs.setState(id, 'Done')
})

const runOf = (id: string): RunSnapshot => {
  const run = site.slipstream.runs.get(id)
  if (run === undefined) throw new Error(`there is no run ${id}`)
  return run
}
const latest = (): RunSnapshot => runOf(site.slipstream.runs.ids()[0] ?? '')
const deployed = async (
  path: string,
  options: DeployOptions = {},
  step = STEP,
): Promise<Awaited<ReturnType<typeof outcomeOf<OperationEvent<Deployment>>>>> =>
  outcomeOf(
    site
      .clientOf()
      .deployments.deploy(path, { ...everyPoll, ...options })
      .pipe(site.advancing(step)),
  )
const resultOf = (events: readonly OperationEvent<Deployment>[]): Deployment => {
  const last = events.at(-1)
  if (last?.kind !== 'done') throw new Error('expected the events to end with done')
  return last.result
}

describe('a component', () => {
  it('is deployed: states, percentage, words and address, and stays ready', async () => {
    const { events, error } = await deployed(WORDPRESS, {
      cloud: 'ec2-eu-west',
      parameters: { wordpress_title: 'Hello', wordpress_password: 'hush & "hush"' },
      tags: ['t1', 't2'],
    })
    expect(error).toBeUndefined()
    expect(courseOf(events)).toEqual([
      'submitted',
      'Initializing',
      'Provisioning',
      'Executing',
      'SendingReports',
      'Ready',
      'done',
    ])
    const progress = events.flatMap((event) => (event.kind === 'progress' ? [event] : []))
    const percents = progress.map(({ percent = -1 }) => percent)
    expect(percents).toEqual(percents.toSorted((one, other) => one - other))
    expect([percents[0], percents.at(-1)]).toEqual([0, 100])
    const words = new Set(progress.map(({ message }) => message))
    for (const text of ['Requesting a virtual machine', 'Installing packages', 'Sending reports']) {
      expect(words).toContain(text)
    }
    const told = progress.find(({ snapshot }) => snapshot.serviceUrl !== undefined)
    expect(told?.state).toBe('Executing')

    const result = resultOf(events)
    const run = runOf(result.uuid)
    expect(result).toMatchObject({
      state: 'Ready',
      type: 'Run',
      category: 'Image',
      abort: '',
      clouds: ['ec2-eu-west'],
      user: 'jane',
      tags: ['t1', 't2'],
      mutable: false,
      serviceUrl: run.parameters['ss:url.service'],
      instances: [{ name: 'machine', cloudservice: 'ec2-eu-west', vmstate: 'Running' }],
    })
    expect(result.serviceUrl).toMatch(/^http:\/\/\d/)
    expect(result.runtimeParameters['machine:admin_password']).toBe('hush & "hush"')
    expect(run.parameters['machine:wordpress_title']).toBe('Hello')
    expect(inspect(events, { depth: 9 }) + JSON.stringify(events)).not.toContain('hush')
    site.cloud.clock.advance(LEAP)
    expect(runOf(result.uuid).state).toBe('Ready')
  })

  it('that is aborted in Executing would go on to Ready: it is a failure, with the message, at once', async () => {
    site.slipstream.runs.failNext({ state: 'Executing' })
    const { events, error } = await deployed(WORDPRESS)
    expect(error).toBeInstanceOf(OperationFailedError)
    const message = "Failed running 'execute' target on 'machine'"
    expect(error?.message).toContain(message)
    expect(error?.message).toMatch(/^slipstream\.deployments\.create: deployment [\w-]+ was aborted/)
    const last = events.at(-1)
    expect(last).toMatchObject({ kind: 'progress', snapshot: { abort: message } })
    site.cloud.clock.advance(LEAP)
    expect(latest()).toMatchObject({ state: 'Ready', abort: message })

    // Also for who comes only then.
    const late = await outcomeOf(site.clientOf().deployments.watch(latest().uuid))
    expect(courseOf(late.events)).toEqual(['Ready'])
    expect(late.error).toBeInstanceOf(OperationFailedError)
    const failure = late.error as OperationFailedError<Deployment>
    expect(failure.snapshot).toMatchObject({ state: 'Ready', abort: message })
    expect(failure.history).toMatchObject([{ state: 'Ready' }])
    const waited = await errorOf(site.clientOf().deployments.waitReady(latest().uuid))
    expect(waited?.message).toContain(message)
  })

  it('that is aborted in Provisioning recovers, and is a failure', async () => {
    site.slipstream.runs.failNext({ state: 'Provisioning', message: 'No more machines' })
    const { error } = await deployed(WORDPRESS)
    expect(error?.message).toContain('No more machines')
    expect((error as OperationFailedError<Deployment>).snapshot.recoveryMode).toBe(true)
  })
})

describe('texts of every kind', () => {
  it.each([
    ['markup', '<b>&amp; "quoted" \'single\' ]]> <![CDATA[ <!-- -->'],
    ['blanks', '  two  lines\n\tand a tab '],
    ['signs of forms', 'a=1&b=2+3%20%zz?#;'],
    ['other alphabets', 'Zoë, 雲 and \u{1f327}'],
  ])('come back as they went: %s', async (_, text) => {
    const { deployments } = site.clientOf()
    const id = await firstValueFrom(
      deployments.create(WORDPRESS, {
        parameters: { wordpress_title: text },
        tags: [`tag ${text.slice(0, 4)}`],
      }),
    )
    const key = 'machine:wordpress_title'
    expect(runOf(id).parameters[key]).toBe(text)
    expect(await firstValueFrom(deployments.getParameter(id, key))).toBe(text)
    expect(await firstValueFrom(deployments.parameter(id, key))).toBe(text)
    await done(deployments.abort(id, text))
    expect(runOf(id).abort).toBe(text)
    expect((await firstValueFrom(deployments.get(id))).abort).toBe(text)
    expect((await listOf(deployments.list({ limit: 1 })))[0]).toMatchObject({ uuid: id, abort: text })
  })
})

describe('an application', () => {
  it('is deployed node by node', async () => {
    const { events, error } = await deployed(FARM, {
      cloud: { apache: 'ec2-eu-west', worker: 'exoscale-ch-gva' },
      parameters: { worker: { rounds: 3 }, apache: { title: 'Farm' } },
      multiplicity: { worker: 3 },
      tolerateFailures: { worker: 1 },
      scalable: true,
      keepRunning: 'always',
      fields: { 'parameter--node--worker--multiplicity': 7, 'x-own': 'kept' },
    })
    expect(error).toBeUndefined()
    const result = resultOf(events)
    expect(result).toMatchObject({
      type: 'Orchestration',
      mutable: true,
      keepRunning: 'always',
      nodes: expect.arrayContaining([
        { name: 'apache', ids: [1], multiplicity: 1, maxProvisioningFailures: 0 },
        { name: 'worker', ids: [1, 2, 3], multiplicity: 3, maxProvisioningFailures: 1 },
      ]) as unknown,
    })
    expect(result.instances.map(({ name }) => name)).toEqual([
      'apache.1',
      'worker.1',
      'worker.2',
      'worker.3',
      'orchestrator-ec2-eu-west',
      'orchestrator-exoscale-ch-gva',
    ])
    expect(result.clouds.toSorted()).toEqual(['ec2-eu-west', 'exoscale-ch-gva'])
    expect(result.runtimeParameters).toMatchObject({
      'worker.2:rounds': '3',
      'worker.2:answers': '3',
      'worker.2:webserver.port': '80',
      'worker.2:webserver.hostname': result.runtimeParameters['apache.1:hostname'],
      'worker.2:cloudservice': 'exoscale-ch-gva',
      'apache.1:cloudservice': 'ec2-eu-west',
    })
  })

  it.each<[KeepRunning, string, string]>([
    ['always', 'Ready', 'Ready'],
    ['on-success', 'Ready', 'Aborted'],
    ['on-error', 'Done', 'Ready'],
    ['never', 'Done', 'Aborted'],
  ])('kept running %s ends as %s, and after an abort as %s', async (keepRunning, success, failure) => {
    const { events, error } = await deployed(FARM, { keepRunning })
    expect(error).toBeUndefined()
    expect(courseOf(events).slice(-2)).toEqual(['Ready', 'done'])
    site.cloud.clock.advance(LEAP)
    expect(latest()).toMatchObject({ state: success, abort: '' })

    site.slipstream.runs.failNext({ node: 'worker', state: 'Executing', message: 'Out of order' })
    const failed = await deployed(FARM, { keepRunning })
    expect(failed.error).toBeInstanceOf(OperationFailedError)
    expect(failed.error?.message).toContain('Out of order')
    site.cloud.clock.advance(2 * LEAP)
    expect(latest()).toMatchObject({ state: failure, abort: 'Out of order' })
  })

  it('that was ready only between two polls is done', async () => {
    const { events, error } = await deployed(FARM, { keepRunning: 'never' }, LEAP)
    expect(error).toBeUndefined()
    expect(courseOf(events)).toEqual(['submitted', 'SendingReports', 'Done', 'done'])
    expect(resultOf(events)).toMatchObject({ state: 'Done', abort: '' })
  })

  it('that was aborted between two polls is not', async () => {
    site.slipstream.runs.failNext({ node: 'apache', state: 'SendingReports', message: 'No reports' })
    const { events, error } = await deployed(FARM, { keepRunning: 'never' }, 125_000)
    expect(courseOf(events)).toEqual(['submitted', 'Executing', 'Aborted'])
    expect(error?.message).toContain('was aborted and is in state Aborted: No reports')
  })

  it('may lose machines that it can do without', async () => {
    site.slipstream.runs.failNext({ node: 'worker.2', state: 'Provisioning' })
    const { events, error } = await deployed(FARM, { tolerateFailures: { worker: 1 } })
    expect(error).toBeUndefined()
    expect(resultOf(events).nodes.find(({ name }) => name === 'worker')?.ids).toEqual([1])
  })
})

describe('waiting', () => {
  it.each([
    ['Executing', ['Initializing', 'Provisioning', 'Executing']],
    ['final', ['Initializing', 'Provisioning', 'Executing', 'SendingReports', 'Ready', 'Finalizing', 'Done']],
    ['Done', ['Initializing', 'Provisioning', 'Executing', 'SendingReports', 'Ready', 'Finalizing', 'Done']],
  ] as const)('until %s', async (until, course) => {
    const { events } = await deployed(FARM, { keepRunning: 'never', until })
    expect(courseOf(events)).toEqual(['submitted', ...course, 'done'])
  })

  it('until Aborted takes that for the end that it is', async () => {
    site.slipstream.runs.failNext({ node: 'apache', message: 'On purpose' })
    const { events, error } = await deployed(FARM, { keepRunning: 'never', until: 'Aborted' })
    expect(error).toBeUndefined()
    expect(resultOf(events)).toMatchObject({ state: 'Aborted', abort: 'On purpose' })
  })

  it('for one that is cancelled by somebody else fails', async () => {
    const { deployments } = site.clientOf()
    const id = await firstValueFrom(deployments.create(FARM))
    const watching = deployments.watch(id, everyPoll).pipe(
      site.advancing(STEP),
      tap((event) => {
        if (event.kind === 'progress' && event.state === 'Executing')
          site.slipstream.runs.setState(id, 'Cancelled')
      }),
    )
    const { events, error } = await outcomeOf(watching)
    expect(courseOf(events).at(-1)).toBe('Cancelled')
    expect(error).toBeInstanceOf(OperationFailedError)
    expect(error?.message).toBe(`slipstream.deployments.watch: deployment ${id} was cancelled`)
  })

  it('ends when its time is up, and says how far it came', async () => {
    const { deployments } = site.clientOf()
    const id = await firstValueFrom(deployments.create(WORDPRESS))
    site.cloud.clock.advance(20_000)
    const error = await errorOf(deployments.watch(id, { interval: 5, timeout: 500 }))
    expect(error).toBeInstanceOf(PollTimeoutError)
    expect((error as PollTimeoutError<Deployment>).last).toMatchObject({ uuid: id, state: 'Provisioning' })
    expect(latest().state).toBe('Provisioning')
  })

  it('for what there is not, or is of somebody else, is an error of its kind at once', async () => {
    const [bobs = ''] = site.slipstream.runs.create({ owner: 'bob' })
    const { deployments } = site.clientOf()
    const sent = site.requestsFromNow({ path: '/run/*' })
    const unknown = '00000000-0000-4000-8000-000000000000'
    const missing = await errorOf(deployments.watch(unknown))
    expect(missing).toBeInstanceOf(NotFoundError)
    expect((missing as HttpError).reason).toBe(`Unknown run: ${unknown}`)
    expect(await errorOf(deployments.watch(bobs))).toBeInstanceOf(PermissionError)
    expect(await errorOf(deployments.get(bobs))).toBeInstanceOf(PermissionError)
    expect(await errorOf(deployments.terminate(bobs))).toBeInstanceOf(PermissionError)
    expect(sent()).toHaveLength(4)
    expect(runOf(bobs).state).toBe('Ready')
  })

  it('goes on in another program, with what it waits for', async () => {
    const before = site.clientOf()
    const submitted = await firstValueFrom(
      before.deployments.deploy(FARM, { ...everyPoll, keepRunning: 'never', until: 'final' }),
    )
    before.close()
    if (submitted.kind !== 'submitted') throw new Error('expected submitted')
    expect(submitted.ref).toMatchObject({
      cloud: 'slipstream',
      operation: 'slipstream.deployments.create',
      args: { id: latest().uuid, until: 'final' },
    })
    const ref = JSON.parse(JSON.stringify(submitted.ref)) as OperationRef
    const after = site.clientOf().deployments.watch(ref, everyPoll).pipe(site.advancing(STEP))
    const last = await lastValueFrom(after)
    expect(last).toMatchObject({ kind: 'done', ref, result: { state: 'Done' } })
  })

  it('is not the deployment: who leaves stops asking, and it goes on', async () => {
    const { deployments, usage } = site.clientOf()
    const sent = site.requestsFromNow({ method: 'GET', path: '/run/*' })
    const { events } = await outcomeOf(deployments.deploy(WORDPRESS, everyPoll).pipe(take(4)))
    expect(courseOf(events)).toEqual(['submitted', 'Initializing'])
    for (let count = 0; count < 10; count += 1) await listOf(usage.list())
    expect(sent()).toHaveLength(3)
    site.cloud.clock.advance(2 * LEAP)
    expect(latest().state).toBe('Ready')
  })
})

describe('termination', () => {
  it.each([
    ['Initializing', '', 'Cancelled'],
    ['Provisioning', '', 'Cancelled'],
    ['Executing', '', 'Cancelled'],
    ['SendingReports', 'No', 'Cancelled'],
    ['Ready', '', 'Done'],
    ['Ready', 'No', 'Aborted'],
    ['Finalizing', '', 'Cancelled'],
  ] as const)('in %s with the abort message %j ends as %s, and again', async (state, abort, end) => {
    const { deployments } = site.clientOf()
    const [id = ''] = site.slipstream.runs.create({ owner: 'jane', module: FARM, moves: true })
    site.slipstream.runs.setState(id, state)
    if (abort !== '') site.slipstream.runs.abort(id, abort)
    const { events, error } = await outcomeOf(deployments.terminate(id))
    expect(error).toBeUndefined()
    expect(courseOf(events)).toEqual(['submitted', end, 'done'])
    expect(resultOf(events).state).toBe(end)
    expect(resultOf(events).endTime).toMatch(/ UTC$/)
    const again = await outcomeOf(deployments.terminate(id))
    expect(courseOf(again.events)).toEqual(['submitted', end, 'done'])
  })
})

describe('an abort', () => {
  it('is raised once, and taken down: the deployment is ready after all', async () => {
    const { deployments } = site.clientOf()
    const id = await firstValueFrom(deployments.create(WORDPRESS))
    site.cloud.clock.advance(80_000)
    await done(deployments.abort(id, 'Ümlaut & <markup> "quoted"'))
    expect(runOf(id).abort).toBe('Ümlaut & <markup> "quoted"')
    const again = await errorOf(deployments.abort(id, 'Another one'))
    expect(again).toBeInstanceOf(ConflictError)
    expect((again as HttpError).reason).toBe('Abort flag raised!')
    expect((await errorOf(deployments.waitReady(id)))?.message).toContain('Ümlaut & <markup> "quoted"')
    await done(deployments.resetAbort(id))
    expect(runOf(id).abort).toBe('')
    site.cloud.clock.advance(LEAP)
    const ready = await firstValueFrom(deployments.waitReady(id))
    expect(ready).toMatchObject({ uuid: id, state: 'Ready', abort: '' })
  })
})

describe('what the server refuses to deploy', () => {
  it.each<[number, string, string, DeployOptions]>([
    [400, 'Unknown run type: Walk', WORDPRESS, { fields: { type: 'Walk' } }],
    [404, "Coudn't find reference module: module/no/such", 'no/such', {}],
    [404, "Coudn't find reference module", `${WORDPRESS}/99999`, {}],
    [403, 'User does not have the rights to execute this module', 'examples/restricted/secret', {}],
    [409, 'Invalid key format for Deployment module', FARM, { cloud: 'ec2-eu-west' }],
    [409, 'Invalid key format for Image module', WORDPRESS, { multiplicity: { machine: 2 } }],
    [409, 'Unknown parameter: x in node: machine', WORDPRESS, { parameters: { x: 1 } }],
    [409, 'Unknown parameter: x in node: worker', FARM, { parameters: { worker: { x: true } } }],
    [409, 'Unknown node: db', FARM, { multiplicity: { db: 1 } }],
    [409, 'Unknown cloud service: moon', WORDPRESS, { cloud: 'moon' }],
    [409, 'Value of keep-running should be one of', FARM, { fields: { 'keep-running': 'sometimes' } }],
    [409, 'Maximum 300 VMs per deployment', FARM, { multiplicity: { worker: 300 } }],
    [
      409,
      "Quota 'exoscale-ch-gva' exceeded (quota=1000, current=0, requested=",
      FARM,
      { multiplicity: { worker: 299 } },
    ],
    [409, 'A project cannot be deployed', 'examples', {}],
  ])('%i %s', async (status, words, path, options) => {
    site.slipstream.setQuota('exoscale-ch-gva', words.startsWith('Quota') ? 200 : 1000)
    const before = site.slipstream.runs.ids().length
    const sent = site.requestsFromNow({ path: '/run' })
    const { events, error } = await deployed(path, options)
    site.slipstream.setQuota('exoscale-ch-gva', 1000)
    expect(events).toEqual([])
    const types = { 400: ValidationError, 403: PermissionError, 404: NotFoundError, 409: ConflictError }
    expect(error).toBeInstanceOf(types[status as keyof typeof types])
    expect(error).toMatchObject({ status, operation: 'slipstream.deployments.create', attempts: 1 })
    expect((error as HttpError).reason).toContain(words.replace('quota=1000', 'quota=200'))
    expect(error?.message).toContain((error as HttpError).reason ?? 'no reason')
    expect(sent()).toHaveLength(1)
    expect(site.slipstream.runs.ids()).toHaveLength(before)
  })

  it('409 without a public key, if one is asked for', async () => {
    const login = { username: 'nokey', password: 'nokey-pass' }
    const person = { email: 'a@b.org', firstName: 'No', lastName: 'Key' }
    await done(site.privilegedClient().users.create({ name: 'nokey', password: login.password, ...person }))
    const { deployments } = site.clientOf(login)
    const error = await errorOf(deployments.create(WORDPRESS, { checkSshKey: true }))
    expect(error).toBeInstanceOf(ConflictError)
    expect((error as HttpError).reason).toBe('Missing public key in your user profile.')
    expect(await firstValueFrom(deployments.create(WORDPRESS))).toMatch(/^[\da-f-]{36}$/)
  })

  it('shows no password that was sent', async () => {
    const parameters = { wordpress_password: 'hush-hush', x: 1 }
    const { error } = await deployed(WORDPRESS, { parameters })
    expect(error).toBeInstanceOf(ConflictError)
    expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain('hush-hush')
  })
})

describe('the list', () => {
  it('has active ones, or all, newest first, by cloud, module and user, and in pages', async () => {
    const { runs } = site.slipstream
    const seed = { owner: 'jane', cloud: 'exoscale-ch-gva' }
    const created = runs.create({ ...seed, count: 510, startTime: Date.UTC(2020, 1, 1) })
    const [farm = ''] = runs.create({ ...seed, module: FARM, cloud: 'ec2-eu-west', tags: 'x,y' })
    const [over = ''] = runs.create({ ...seed, state: 'Aborted' })
    const [bobs = ''] = runs.create({ owner: 'bob' })
    const { deployments } = site.clientOf()
    const sent = site.requestsFromNow({ path: '/run' })
    const all = await listOf(deployments.list())
    expect(all).toHaveLength(511)
    expect(new Set(all.map(({ uuid }) => uuid))).toEqual(new Set([farm, ...created]))
    expect(sent().map(({ search }) => search)).toEqual([
      'activeOnly=true&offset=0&limit=500',
      'activeOnly=true&offset=500&limit=500',
    ])
    expect(all[0]).toMatchObject({
      uuid: farm,
      state: 'Ready',
      abort: '',
      type: 'Orchestration',
      clouds: ['ec2-eu-west'],
      tags: ['x', 'y'],
      username: 'jane',
      resourceUri: `run/${farm}`,
    })
    expect(all[0]?.activeVm).toBeGreaterThan(0)
    const uuids = async (filter: Parameters<typeof deployments.list>[0]): Promise<string[]> =>
      (await listOf(deployments.list(filter))).map(({ uuid }) => uuid)
    expect(await uuids({ inactive: true, limit: 2 })).toEqual([over, farm])
    expect(await uuids({ cloud: 'ec2' })).toEqual([farm])
    expect(await uuids({ module: all[0]?.moduleResourceUri ?? '' })).toEqual([farm])
    expect(await uuids({ offset: 509 })).toHaveLength(2)
    expect(await errorOf(deployments.list({ user: 'bob' }))).toBeInstanceOf(PermissionError)
    const users = site.privilegedClient().deployments.list({ user: 'bob' })
    expect((await listOf(users)).map(({ uuid }) => uuid)).toEqual([bobs])
  })
})

describe('events', () => {
  it('tell what happened, the newest first, by type and since an instant', async () => {
    const { deployments } = site.clientOf()
    const { events } = await deployed(FARM, { scalable: true })
    const { uuid } = resultOf(events)
    await done(deployments.abort(uuid, 'Enough'))
    await done(deployments.terminate(uuid))
    const happened = await listOf(deployments.events(uuid))
    expect(happened.map(({ content }) => content.state)).toEqual([
      'Terminated',
      'Aborted',
      'Finalizing',
      "Abort from 'ss', message:Enough",
      'Ready',
      'SendingReports',
      'Executing',
      'Provisioning',
      'Created',
    ])
    expect(happened[3]).toMatchObject({ type: 'state', severity: 'high' })
    expect(happened.every(({ content }) => content.resource.href === `run/${uuid}`)).toBe(true)
    const actions = await listOf(deployments.events(uuid, { types: ['action', 'system'] }))
    expect(actions.map(({ content }) => content.state)).toEqual(['Terminated', 'Created'])
    const since = new Date(happened[2]?.timestamp ?? '')
    const late = deployments
      .events(uuid, { types: ['state'], since })
      .pipe(map(({ content }) => content.state))
    expect(await listOf(late)).toEqual(['Aborted'])
    expect(await listOf(site.otherClient().deployments.events(uuid))).toEqual([])
  })
})
