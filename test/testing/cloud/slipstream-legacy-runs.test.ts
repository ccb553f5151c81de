import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { text } from './calls.js'
import { startSlipstream, type Form, type SlipstreamSite, type Xml } from './slipstream-site.js'

const STEPS = {
  Initializing: 10_000,
  Provisioning: 60_000,
  Executing: 60_000,
  SendingReports: 10_000,
  Ready: 10_000,
  Finalizing: 10_000,
}
const WORDPRESS = { refqname: 'module/apps/WordPress/wordpress', 'bypass-ssh-check': 'true' }
const FARM = { refqname: 'module/examples/tutorials/web-farm', 'bypass-ssh-check': 'true' }
const BUILD = {
  refqname: 'module/examples/tutorials/apache',
  type: 'Machine',
  'parameter--cloudservice': 'default',
}
/** From the beginning to Ready. */
const READY_MS = 140_000

let site: SlipstreamSite
beforeAll(async () => {
  site = await startSlipstream({ slipstream: { steps: STEPS } })
})
afterAll(() => site.cloud.close())

const runs = () => site.cloud.slipstream.runs
const stateOf = (id: string): string | undefined => runs().get(id)?.state
const abortOf = (id: string): string | undefined => runs().get(id)?.abort
const valueOf = (id: string, key: string): string | undefined => runs().get(id)?.parameters[key]
const parameter = (run: Xml, key: string): Xml | undefined =>
  run
    .child('runtimeParameters')
    .all('entry')
    .find((entry) => entry.child('string').text === key)
    ?.child('runtimeParameter')
/** States from now on, each as often as it is seen in steps of a second. */
const walk = (id: string, ms: number): string[] => {
  const seen: string[] = []
  for (let passed = 0; passed < ms; passed += 1000) {
    const state = stateOf(id) ?? ''
    if (seen.at(-1) !== state) seen.push(state)
    site.advance(1000)
  }
  const last = stateOf(id) ?? ''
  return seen.at(-1) === last ? seen : [...seen, last]
}
const eventsOf = async (id: string, { jane } = site): Promise<unknown[]> => {
  const answer = await jane.get('/api/event', 'application/json')
  return [...(answer.json()['events'] ?? [])]
    .filter((event) => text(event['content']?.['resource']?.['href']) === `run/${id}`)
    .map((event) => event['content']?.['state'])
}

describe('the form of a deployment', () => {
  it.each<[number, string, Form]>([
    [400, 'Missing refqname in POST', { type: 'Run' }],
    [400, 'Unknown run type: Walk', { ...WORDPRESS, type: 'Walk' }],
    [404, "Coudn't find reference module: module/no/such", { refqname: 'module/no/such' }],
    [
      403,
      'User does not have the rights to execute this module',
      { refqname: 'module/examples/restricted/secret' },
    ],
    [
      409,
      'Invalid key format for Deployment module: parameter--cloudservice',
      { ...FARM, 'parameter--cloudservice': 'ec2-eu-west' },
    ],
    [
      409,
      'Invalid key format for Image module: parameter--node--machine--x',
      { ...WORDPRESS, 'parameter--node--machine--x': '1' },
    ],
    [409, 'Unknown parameter: x in node: machine', { ...WORDPRESS, 'parameter--x': '1' }],
    [409, 'Unknown parameter: x in node: worker', { ...FARM, 'parameter--node--worker--x': '1' }],
    [409, 'Unknown node: db', { ...FARM, 'parameter--node--db--multiplicity': '1' }],
    [409, 'Unknown cloud service: moon', { ...WORDPRESS, 'parameter--cloudservice': 'moon' }],
    [
      409,
      'Value of keep-running should be one of the following: [always, never, on-success, on-error]',
      { ...FARM, 'keep-running': 'maybe' },
    ],
    [
      409,
      'Limit exceeded. Maximum 300 VMs per deployment.',
      { ...FARM, 'parameter--node--worker--multiplicity': '300' },
    ],
    [409, 'A base image cannot be built', { refqname: 'module/examples/images/centos-6', type: 'Machine' }],
    [
      409,
      "This image doesn't need to be built since it doesn't contain a package list nor a pre-recipe or a recipe.",
      { refqname: 'module/examples/tutorials/worker', type: 'Machine' },
    ],
  ])('is refused with %i: %s', async (status, detail, form) => {
    expect(await site.jane.fault('POST', '/run', { form })).toEqual([status, detail])
  })

  it('needs a public key in the profile unless the check is bypassed', async () => {
    const account = {
      xml: '<user name="bob" email="b@x.org" firstName="B" lastName="B"><parameters/></user>',
    }
    expect((await site.bob.send('PUT', '/user/bob', account)).status).toBe(202)
    const { refqname } = WORDPRESS
    expect(await site.bob.fault('POST', '/run', { form: { refqname } })).toEqual([
      409,
      'Missing public key in your user profile.',
    ])
    expect(await site.bob.deploy(WORDPRESS)).toMatch(/^[0-9a-f-]{36}$/)
    expect(await site.jane.deploy({ refqname })).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('keeps to the quota of a cloud', async () => {
    const id = await site.jane.deploy({ ...WORDPRESS, 'parameter--cloudservice': 'ec2-eu-west' })
    site.cloud.slipstream.setQuota('ec2-eu-west', 1)
    const form = { ...WORDPRESS, 'parameter--cloudservice': 'ec2-eu-west' }
    expect(await site.jane.fault('POST', '/run', { form })).toEqual([
      409,
      "Quota 'ec2-eu-west' exceeded (quota=1, current=1, requested=1)",
    ])
    site.cloud.slipstream.setQuota('ec2-eu-west', 1000)
    expect((await site.jane.send('DELETE', `/run/${id}`)).status).toBe(204)
  })

  it('is answered with 201, nothing else, and the absolute place of the run', async () => {
    const answer = await site.jane.send('POST', '/run', { form: WORDPRESS })
    expect([answer.status, answer.text]).toEqual([201, ''])
    expect(answer.headers.location).toMatch(new RegExp(`^${site.url}/run/[0-9a-f-]{36}$`))
  })

  it('takes a reference without module/ only without a version', async () => {
    const module = (await site.jane.document('/module/apps/WordPress/wordpress')).attributes['version'] ?? ''
    const refqname = 'apps/WordPress/wordpress'
    expect(await site.jane.deploy({ ...WORDPRESS, refqname })).toMatch(/^[0-9a-f-]{36}$/)
    expect(
      (
        await site.jane.fault('POST', '/run', { form: { ...WORDPRESS, refqname: `${refqname}/${module}` } })
      )[0],
    ).toBe(404)
    const id = await site.jane.deploy({ ...WORDPRESS, refqname: `module/${refqname}/${module}` })
    expect(runs().get(id)?.module).toBe(`module/${refqname}/${module}`)
  })
})

describe('documents of runs', () => {
  it('shows a run as the server prints it', async () => {
    const id = await site.jane.deploy({
      ...WORDPRESS,
      tags: 'a,b',
      'parameter--wordpress_title': 'Hello <you>',
    })
    const { text } = await site.jane.get(`/run/${id}`)
    expect(text).toContain(
      `<run category="Image" deleted="false" resourceUri="run/${id}" uuid="${id}" type="Run" cloudServiceNames="exoscale-ch-gva" state="Initializing"`,
    )
    expect(text).toContain('nodeNames="machine" user="jane" mutable="false"')
    expect(text).toContain(
      '<runtimeParameters class="org.hibernate.collection.internal.PersistentMap"><entry><string><![CDATA[ss:category]]></string><runtimeParameter description="Module category" deleted="false" key="ss:category" isSet="true" group="Global" mapsOthers="false" type="String" mappedRuntimeParameterNames="" isMappedValue="false" creation="',
    )
    expect(text).toContain('<![CDATA[Hello <you>]]></runtimeParameter>')
    expect(text).not.toContain('endTime')
    const run = await site.jane.document(`/run/${id}`)
    expect(run.child('parameters').child('entry').child('string').text).toBe('General.keep-running')
    expect(parameter(run, 'ss:tags')?.text).toBe('a,b')
    expect(parameter(run, 'ss:abort')?.attributes['isSet']).toBe('false')
    expect(parameter(run, 'machine:vmstate')?.text).toBe('Unknown')
    expect(parameter(run, 'machine:hostname')?.text).toBe('')
    expect(parameter(run, 'machine:image.id')?.text).toMatch(/^[0-9a-f-]{36}$/)
    expect(run.child('module').attributes['class']).toBe('com.sixsq.slipstream.persistence.ImageModule')
    expect((await site.jane.get(`/run/${id}`, 'application/json')).json()['run']).toMatchObject({
      uuid: id,
      state: 'Initializing',
    })
  })

  it('shows only its owner and administrators', async () => {
    const id = await site.jane.deploy(WORDPRESS)
    expect(await site.bob.fault('GET', `/run/${id}`)).toEqual([403, 'Not allowed to access this run'])
    expect((await site.bob.fault('DELETE', `/run/${id}`))[0]).toBe(403)
    expect((await site.root.get(`/run/${id}`)).status).toBe(200)
    expect((await site.jane.fault('GET', '/run/815a8f66-fc9d-4444-849c-d12e883982c1'))[0]).toBe(404)
  })

  it('maps parameters of one node to another', async () => {
    const id = await site.jane.deploy({
      ...FARM,
      'parameter--node--worker--webserver.port': 'lit:eral',
      'keep-running': 'always',
    })
    const before = await site.jane.document(`/run/${id}`)
    expect(parameter(before, 'apache.1:hostname')?.attributes).toMatchObject({
      mapsOthers: 'true',
      mappedRuntimeParameterNames: 'worker.1:webserver.hostname,worker.2:webserver.hostname',
    })
    expect(parameter(before, 'worker.2:webserver.hostname')?.attributes).toMatchObject({
      isMappedValue: 'true',
      isSet: 'false',
    })
    expect(parameter(before, 'worker.1:webserver.port')?.text).toBe('lit:eral')
    expect(parameter(before, 'apache.1:title')?.text).toBe('Farm')
    expect(parameter(before, 'worker:ids')?.text).toBe('1,2')
    expect(before.attributes).toMatchObject({
      nodeNames: 'apache.1,worker.1,worker.2,orchestrator-exoscale-ch-gva',
      groups: 'exoscale-ch-gva:apache,exoscale-ch-gva:worker',
    })
    site.advance(READY_MS)
    const after = await site.jane.document(`/run/${id}`)
    expect(after.attributes['state']).toBe('Ready')
    expect(parameter(after, 'worker.2:webserver.hostname')?.text).toBe(
      parameter(after, 'apache.1:hostname')?.text,
    )
    expect(parameter(after, 'worker.2:webserver.hostname')?.text).toMatch(/^198\.18\./)
    expect(parameter(after, 'worker.1:answers')?.text).toBe('10')
  })
})

describe('the way of a run', () => {
  it('brings a component to Ready, where it stays', async () => {
    const id = await site.jane.deploy({ ...WORDPRESS, 'keep-running': 'never' })
    expect(walk(id, 400_000)).toEqual([
      'Initializing',
      'Provisioning',
      'Executing',
      'SendingReports',
      'Ready',
    ])
    expect(await eventsOf(id)).toEqual(['Ready', 'SendingReports', 'Executing', 'Provisioning', 'Created'])
  })

  it('shows the service and the outputs while it is Executing', async () => {
    const id = await site.jane.deploy({ ...WORDPRESS, 'parameter--wordpress_email': 'me@x.org' })
    site.advance(70_000)
    expect([stateOf(id), valueOf(id, 'machine:hostname'), valueOf(id, 'ss:url.service')]).toEqual([
      'Executing',
      expect.stringMatching(/^198\.18\./),
      '',
    ])
    site.advance(59_000)
    expect(stateOf(id)).toBe('Executing')
    const ip = valueOf(id, 'machine:hostname') ?? ''
    expect([
      valueOf(id, 'ss:url.service'),
      valueOf(id, 'machine:url.service'),
      valueOf(id, 'machine:url'),
      valueOf(id, 'machine:admin_email'),
      valueOf(id, 'machine:vmstate'),
    ]).toEqual([`http://${ip}`, `http://${ip}`, `http://${ip}`, 'me@x.org', 'Running'])
    const list = await site.jane.document('/run?limit=1')
    expect(list.child('item').attributes).toMatchObject({
      serviceUrl: `http://${ip}`,
      activeVm: '1',
      status: 'Executing',
    })
  })

  it('completes one instance after the other, and says what each is doing', async () => {
    const id = await site.jane.deploy(FARM)
    site.advance(10_000)
    expect(stateOf(id)).toBe('Provisioning')
    const complete = (): (string | undefined)[] =>
      ['apache.1', 'worker.1', 'worker.2', 'orchestrator-exoscale-ch-gva'].map((name) =>
        valueOf(id, `${name}:complete`),
      )
    const seen = new Set<string | undefined>()
    const counts: number[] = []
    for (let at = 0; at < 60; at += 5) {
      counts.push(complete().filter((flag) => flag === 'true').length)
      seen.add(valueOf(id, 'apache.1:statecustom'))
      site.advance(5000)
    }
    expect(counts).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
    expect([...seen]).toEqual([
      'Requesting a virtual machine',
      'Waiting for the virtual machine to boot',
      'The virtual machine is running',
    ])
    expect([stateOf(id), ...complete()]).toEqual(['Executing', 'false', 'false', 'false', 'false'])
  })

  it.each([
    ['always', 'Ready'],
    ['on-success', 'Ready'],
    ['on-error', 'Done'],
    ['never', 'Done'],
  ])('keeps an application running %s: %s', async (keep, end) => {
    const id = await site.jane.deploy({ ...FARM, 'keep-running': keep })
    const states = walk(id, 300_000)
    expect(states.slice(0, 5)).toEqual([
      'Initializing',
      'Provisioning',
      'Executing',
      'SendingReports',
      'Ready',
    ])
    expect(states.at(-1)).toBe(end)
    const run = await site.jane.document(`/run/${id}`)
    expect('endTime' in run.attributes).toBe(end === 'Done')
    expect((await site.jane.document(`/vms?runUuid=${id}`)).attributes['totalCount']).toBe(
      end === 'Done' ? '0' : '4',
    )
  })

  it('builds an image once', async () => {
    const id = await site.jane.deploy(BUILD)
    expect(runs().get(id)?.instances).toEqual(['machine', 'orchestrator-exoscale-ch-gva'])
    expect(walk(id, 300_000)).toEqual([
      'Initializing',
      'Provisioning',
      'Executing',
      'SendingReports',
      'Ready',
      'Finalizing',
      'Done',
    ])
    const image = (await site.jane.document('/module/examples/tutorials/apache')).child(
      'cloudImageIdentifiers',
    )
    expect(image.all('cloudImageIdentifier').map((one) => one.attributes['cloudServiceName'])).toEqual([
      'exoscale-ch-gva',
    ])
    expect(await site.jane.fault('POST', '/run', { form: BUILD })).toEqual([
      409,
      'This image was already built for cloud: exoscale-ch-gva',
    ])
  })

  it('keeps no image of a build that failed', async () => {
    const form = { ...BUILD, 'parameter--cloudservice': 'ec2-eu-west' }
    const id = await site.jane.deploy(form)
    runs().fail(id, { message: 'no such package' })
    expect(walk(id, 300_000).slice(-3)).toEqual(['Ready', 'Finalizing', 'Aborted'])
    expect((await site.jane.send('POST', '/run', { form })).status).toBe(201)
  })

  it('goes on by completions of the machines alone, while the state is held', async () => {
    const release = runs().holdIn('Executing')
    const id = await site.jane.deploy(FARM)
    site.advance(1_000_000)
    expect(stateOf(id)).toBe('Executing')
    const complete = async (name: string): Promise<string> =>
      (await site.jane.send('POST', `/run/${id}/${name}:complete?ignoreabort=true`)).text
    expect(await complete('apache.1')).toBe('Executing')
    expect(await complete('worker.1')).toBe('Executing')
    expect(await complete('orchestrator-exoscale-ch-gva')).toBe('Executing')
    expect(await complete('worker.2')).toBe('SendingReports')
    release()
    const other = await site.jane.deploy(WORDPRESS)
    site.advance(READY_MS)
    expect([stateOf(id), stateOf(other)]).toEqual(['Ready', 'Ready'])
  })

  it('gives up what takes too long', async () => {
    const other = await startSlipstream({ slipstream: { steps: STEPS } })
    const { runs: others } = other.cloud.slipstream
    const about = (id: string): unknown => [others.get(id)?.state, others.get(id)?.abort]
    others.holdIn('Provisioning')
    const slow = await other.jane.deploy(FARM)
    const scalable = await other.jane.deploy({ ...FARM, mutable: 'true' })
    other.advance(15_000)
    others.holdIn('Initializing')
    const stuck = await other.jane.deploy(FARM)
    other.advance(16 * 60_000)
    expect([about(slow), about(stuck)]).toEqual([
      ['Provisioning', ''],
      ['Initializing', 'Timeout launching run'],
    ])
    other.advance(19 * 60_000)
    expect([about(slow), about(stuck)]).toEqual([
      ['Provisioning', 'The run has timed out'],
      ['Cancelled', 'Timeout launching run'],
    ])
    other.advance(6 * 60_000)
    expect([about(slow), about(scalable)]).toEqual([
      ['Cancelled', 'The run has timed out'],
      ['Provisioning', 'The run has timed out'],
    ])
    expect((await eventsOf(slow, other)).slice(0, 3)).toEqual([
      'GarbageCollector: The Run was terminated',
      'Terminated',
      'Cancelled',
    ])
    expect(await eventsOf(slow, other)).toContain('GarbageCollector: The Run has timed out')
    await other.cloud.close()
  })
})

describe('aborts', () => {
  it('let a component end as ready with the message', async () => {
    runs().failNext({ state: 'Executing' })
    const id = await site.jane.deploy(WORDPRESS)
    expect(walk(id, 300_000)).toEqual([
      'Initializing',
      'Provisioning',
      'Executing',
      'SendingReports',
      'Ready',
    ])
    const message = "Failed running 'execute' target on 'machine'"
    expect([abortOf(id), valueOf(id, 'machine:abort'), valueOf(id, 'ss:url.service')]).toEqual([
      message,
      message,
      '',
    ])
    expect((await site.jane.document('/run?limit=1')).child('item').attributes).toMatchObject({
      status: 'Ready',
      abort: message,
    })
    expect(await eventsOf(id)).toContain(`Abort from 'machine', message:${message}`)
  })

  it.each([
    ['always', 'Ready'],
    ['on-error', 'Ready'],
    ['on-success', 'Aborted'],
    ['never', 'Aborted'],
  ])('let an application that is kept running %s end as %s', async (keep, end) => {
    runs().failNext({ node: 'worker.2', message: 'broken' })
    const id = await site.jane.deploy({ ...FARM, 'keep-running': keep })
    expect(walk(id, 300_000).at(-1)).toBe(end)
    expect([abortOf(id), valueOf(id, 'worker.2:abort'), valueOf(id, 'ss:recovery.mode')]).toEqual([
      'broken',
      'broken',
      'false',
    ])
  })

  it('in Provisioning set the recovery mode, in which recipes are skipped', async () => {
    runs().failNext({ node: 'worker', state: 'Provisioning' })
    const id = await site.jane.deploy({ ...FARM, 'keep-running': 'always' })
    expect(walk(id, 300_000).at(-1)).toBe('Ready')
    expect([
      valueOf(id, 'ss:recovery.mode'),
      valueOf(id, 'ss:url.service'),
      valueOf(id, 'worker.2:statecustom'),
    ]).toEqual(['true', '', 'Sending reports'])
    expect(await eventsOf(id)).toContain("Recovery mode set to 'true'")
  })

  it('do not happen for failures that are tolerated', async () => {
    runs().failNext({ node: 'worker.1', state: 'Provisioning' })
    const id = await site.jane.deploy({ ...FARM, 'parameter--node--worker--max-provisioning-failures': '1' })
    site.advance(READY_MS)
    expect([
      stateOf(id),
      abortOf(id),
      valueOf(id, 'worker:ids'),
      valueOf(id, 'worker.1:scale.state'),
    ]).toEqual(['Ready', '', '2', 'gone'])
  })

  it('are raised once, by a PUT, and reset by a DELETE', async () => {
    const id = await site.jane.deploy(WORDPRESS)
    site.advance(20_000)
    const path = `/run/${id}/ss:abort`
    expect((await site.jane.send('PUT', path, { text: 'enough' })).status).toBe(200)
    expect(await site.jane.fault('PUT', `${path}?ignoreabort=true`, { text: 'more' })).toEqual([
      409,
      'Abort flag raised!',
    ])
    expect([abortOf(id), stateOf(id), valueOf(id, 'ss:recovery.mode')]).toEqual([
      'enough',
      'Provisioning',
      'true',
    ])
    expect((await site.jane.fault('DELETE', path))[0]).toBe(409)
    expect((await site.jane.send('DELETE', `${path}?ignoreabort=true`)).status).toBe(204)
    expect([abortOf(id), valueOf(id, 'ss:recovery.mode')]).toEqual(['', 'false'])
    site.advance(READY_MS)
    expect(stateOf(id)).toBe('Ready')
    const long = `${'a'.repeat(4000)}${'b'.repeat(4000)}`
    expect((await site.jane.send('PUT', `/run/${id}/machine:abort`, { text: long })).status).toBe(200)
    expect(abortOf(id)).toMatch(/^a+\n\(truncated\)\nb+$/)
    expect(abortOf(id)?.length).toBeLessThanOrEqual(4096)
  })
})

describe('one parameter', () => {
  it('is 412 before it is set, then its text', async () => {
    const id = await site.jane.deploy(WORDPRESS)
    const get = (key: string, query = '') => site.jane.get(`/run/${id}/${key}${query}`, 'text/plain')
    const before = await get('machine:hostname', '?ignoreabort=false')
    expect([before.status, before.text]).toEqual([
      412,
      '412 - Precondition Failed\nkey machine:hostname not yet set',
    ])
    expect((await get('machine:vmstate')).text).toBe('Unknown')
    site.advance(READY_MS)
    const after = await get('machine:hostname')
    expect([after.status, after.headers['content-type'], after.text]).toEqual([
      200,
      'text/plain;charset=UTF-8',
      valueOf(id, 'machine:hostname'),
    ])
    runs().abort(id, 'stop')
    expect((await get('machine:hostname', '?ignoreabort=false')).text).toBe(
      '409 - Conflict\nAbort flag raised!',
    )
    expect((await get('machine:hostname', '?ignoreabort=true')).status).toBe(200)
  })

  it('that is unknown aborts the run', async () => {
    const id = await site.jane.deploy(WORDPRESS)
    expect(await site.jane.fault('GET', `/run/${id}/machine:nothing`)).toEqual([
      404,
      'Unknown key machine:nothing',
    ])
    expect(abortOf(id)).toBe('Unknown key machine:nothing')
    const other = await site.jane.deploy(WORDPRESS)
    expect((await site.jane.get(`/run/${other}/no-key`)).status).toBe(404)
    expect((await site.jane.get(`/run/${other}/word`)).status).toBe(404)
    expect((await site.jane.get('/run//word')).status).toBe(404)
    expect(abortOf(other)).toBe('')
  })

  it('is written as it is, within limits', async () => {
    const id = await site.jane.deploy(WORDPRESS)
    const put = (key: string, text: string) => site.jane.send('PUT', `/run/${id}/${key}`, { text })
    expect((await put('machine:statecustom', 'ü & <b>')).status).toBe(200)
    expect((await site.jane.get(`/run/${id}/machine:statecustom`)).text).toBe('ü & <b>')
    expect((await put('machine:statecustom', 'x'.repeat(4097))).status).toBe(400)
    expect((await site.jane.send('DELETE', `/run/${id}/machine:statecustom`)).status).toBe(204)
    expect(valueOf(id, 'machine:statecustom')).toBe('')
    expect((await put('ss:state', 'Provisioning')).status).toBe(400)
  })

  it('lets a mutable run that is ready go back to Provisioning', async () => {
    const id = await site.jane.deploy({ ...FARM, mutable: 'on' })
    site.advance(READY_MS)
    expect((await site.jane.send('PUT', `/run/${id}/ss:state`, { text: 'Provisioning' })).status).toBe(200)
    expect(stateOf(id)).toBe('Provisioning')
    site.advance(READY_MS)
    expect(stateOf(id)).toBe('Ready')
  })

  it('refuses completions when all is over', async () => {
    const id = await site.jane.deploy(WORDPRESS)
    await site.jane.send('DELETE', `/run/${id}`)
    expect((await site.jane.fault('POST', `/run/${id}/machine:complete`))[0]).toBe(409)
  })
})

describe('termination', () => {
  it.each([
    ['Initializing', 5000, 'Cancelled'],
    ['Provisioning', 15_000, 'Cancelled'],
    ['Executing', 75_000, 'Cancelled'],
    ['SendingReports', 135_000, 'Cancelled'],
    ['Ready', 145_000, 'Done'],
    ['Finalizing', 155_000, 'Cancelled'],
    ['Done', 165_000, 'Done'],
  ])('from %s leads at once to the end', async (state, ms, end) => {
    const id = await site.jane.deploy({ ...FARM, 'keep-running': 'never' })
    site.advance(ms)
    expect(stateOf(id)).toBe(state)
    expect((await site.jane.send('DELETE', `/run/${id}`)).status).toBe(204)
    expect(stateOf(id)).toBe(end)
    expect((await site.jane.send('DELETE', `/run/${id}`)).status).toBe(204)
    site.advance(1_000_000)
    expect(stateOf(id)).toBe(end)
    expect((await site.jane.document(`/vms?runUuid=${id}`)).attributes['totalCount']).toBe('0')
  })

  it('of an aborted run that is ready leads to Aborted', async () => {
    const id = await site.jane.deploy(WORDPRESS)
    site.advance(READY_MS)
    runs().abort(id, 'stop')
    await site.jane.send('DELETE', `/run/${id}`)
    expect(stateOf(id)).toBe('Aborted')
    expect((await eventsOf(id)).slice(0, 3)).toEqual(['Terminated', 'Aborted', 'Finalizing'])
  })
})

describe('scaling', () => {
  const ready = async (form: Form = {}): Promise<string> => {
    const id = await site.jane.deploy({ ...FARM, mutable: 'on', ...form })
    site.advance(READY_MS)
    expect(stateOf(id)).toBe('Ready')
    return id
  }
  const add = (id: string, node: string, body?: Form) =>
    site.jane.fault('POST', `/run/${id}/${node}`, body === undefined ? {} : { form: body })

  it('adds instances with new ids and walks to Ready again', async () => {
    const id = await ready()
    const answer = await site.jane.send('POST', `/run/${id}/worker`, { form: { n: '2' } })
    expect([answer.status, answer.headers['content-type'], answer.text]).toEqual([
      201,
      'text/plain;charset=UTF-8',
      'worker.3,worker.4',
    ])
    expect([
      stateOf(id),
      valueOf(id, 'worker:ids'),
      valueOf(id, 'worker:multiplicity'),
      valueOf(id, 'worker.3:scale.state'),
    ]).toEqual(['Provisioning', '1,2,3,4', '4', 'creating'])
    expect(valueOf(id, 'worker.3:webserver.hostname')).toBe(valueOf(id, 'apache.1:hostname'))
    expect(walk(id, READY_MS)).toEqual(['Provisioning', 'Executing', 'SendingReports', 'Ready'])
    expect(valueOf(id, 'worker.4:scale.state')).toBe('operational')
    expect(await eventsOf(id)).toContain("Scaling up 'worker' with 2 new instances: [worker.3, worker.4]")
    expect((await site.jane.send('POST', `/run/${id}/worker`)).text).toBe('worker.5')
  })

  it('removes instances, whose ids are never used again', async () => {
    const id = await ready()
    const removed = await site.jane.send('DELETE', `/run/${id}/worker`, { form: { ids: '1,2' } })
    expect(removed.status).toBe(204)
    expect([
      valueOf(id, 'worker:ids'),
      valueOf(id, 'worker:multiplicity'),
      valueOf(id, 'worker.1:scale.state'),
    ]).toEqual(['', '0', 'removing'])
    const states = new Set<string | undefined>()
    for (let at = 0; at < 140; at += 1) {
      states.add(valueOf(id, 'worker.1:scale.state'))
      site.advance(1000)
    }
    expect([...states, stateOf(id)]).toEqual(['removing', 'removed', 'gone', 'Ready'])
    expect((await site.jane.document(`/vms?runUuid=${id}`)).attributes['totalCount']).toBe('2')
    expect((await site.jane.send('POST', `/run/${id}/worker`, { form: { n: '1' } })).text).toBe('worker.3')
    expect((await site.jane.get(`/run/${id}/worker`)).text).toBe('worker.1,worker.2,worker.3')
    expect(await eventsOf(id)).toContain("Scaling down 'worker' by deleting 2 instances: [1, 2]")
  })

  it('adds none for n=0, yet goes through the states', async () => {
    const id = await ready()
    const answer = await site.jane.send('POST', `/run/${id}/worker`, { form: { n: '0' } })
    expect([answer.status, answer.text, stateOf(id), valueOf(id, 'worker:ids')]).toEqual([
      201,
      '',
      'Provisioning',
      '1,2',
    ])
  })

  it('only takes ids off the list if that is wanted', async () => {
    const id = await site.jane.deploy(FARM)
    const form = { ids: '2', 'delete-ids-only': 'true' }
    expect((await site.jane.send('DELETE', `/run/${id}/worker`, { form })).status).toBe(204)
    expect([stateOf(id), valueOf(id, 'worker:ids')]).toEqual(['Initializing', '1'])
  })

  it('is refused where it cannot be', async () => {
    const fixed = await ready({ mutable: 'no' })
    expect(await add(fixed, 'worker')).toEqual([409, "Can't add/remove instances. Run is not mutable."])
    const id = await ready()
    expect(await add(id, 'db')).toEqual([400, "Node db doesn't exist."])
    expect(await add(id, 'worker', { m: '1' })).toEqual([
      400,
      'No form parameter n=# found in the scale-up request.',
    ])
    expect(await add(id, 'worker', { n: 'x' })).toEqual([
      400,
      'Number of instances to add should be an integer.',
    ])
    expect(await add(id, 'worker', { n: '101' })).toEqual([
      409,
      'Limit exceeded. Maximum 100 VMs per scale action.',
    ])
    const remove = (node: string, form: Form) => site.jane.fault('DELETE', `/run/${id}/${node}`, { form })
    expect(await remove('db', { ids: '1' })).toEqual([400, 'Invalid nodename: db'])
    expect(await remove('worker', { ids: '' })).toEqual([
      400,
      'Provide list of node instance IDs to be removed from the Run.',
    ])
    expect(await remove('worker', { ids: '1,x' })).toEqual([400, 'Invalid instance name: x'])
    expect(stateOf(id)).toBe('Ready')
    await site.jane.send('POST', `/run/${id}/worker`)
    expect(await add(id, 'worker')).toEqual([
      409,
      "Can't add/remove instances. Incompatible state Provisioning. This can only be performed on state Ready",
    ])
    site.advance(READY_MS)
    runs().abort(id, 'stop')
    expect(await add(id, 'worker')).toEqual([409, 'Abort flag raised!'])
  })
})

describe('the list of runs', () => {
  it('has pages, filters, and the newest first', async () => {
    const start = Date.now() + 60_000
    const make = (owner: string, rest: object, at: number): string =>
      runs().create({ owner, startTime: start + at, ...rest })[0] ?? ''
    const ids = [
      make('bob', { state: 'Done' }, 1),
      make('bob', { cloud: 'ec2-eu-west', tags: 'x' }, 3),
      make('bob', { module: 'examples/tutorials/web-farm', state: 'Executing' }, 2),
    ]
    const list = (query: string): Promise<Xml> => site.bob.document(`/run?${query}`)
    const idsOf = (document: Xml): (string | undefined)[] =>
      document.all('item').map((item) => item.attributes['uuid'])
    const all = await list('activeOnly=False&offset=0&limit=3&cloud=')
    expect(idsOf(all)).toEqual([ids[1], ids[2], ids[0]])
    expect(all.attributes).toEqual({ offset: '0', limit: '3', count: '3', totalCount: '4', cloud: '' })
    expect(Object.keys(all.child('item').attributes)).toEqual([
      'resourceUri',
      'uuid',
      'moduleResourceUri',
      'status',
      'abort',
      'startTime',
      'cloudServiceNames',
      'username',
      'type',
      'tags',
      'serviceUrl',
      'activeVm',
    ])
    expect(idsOf(await list('activeOnly=True'))).not.toContain(ids[0])
    expect(idsOf(await list('cloud=ec2'))).toEqual([ids[1]])
    expect(idsOf(await list('offset=1&limit=1'))).toEqual([ids[2]])
    const uri = runs().get(ids[2] ?? '')?.module ?? ''
    expect(idsOf(await list(`moduleResourceUri=${uri}`))).toEqual([ids[2]])
    for (const query of ['limit=0', 'limit=501', 'offset=-1', 'limit=x']) {
      expect((await site.bob.fault('GET', `/run?${query}`))[0]).toBe(400)
    }
    expect((await site.bob.fault('GET', '/run?user=jane'))[0]).toBe(403)
    const ofBob = await site.root.document('/run?user=bob')
    expect(ofBob.attributes['totalCount']).toBe('4')
    expect(idsOf(await site.jane.document('/run'))).not.toContain(ids[0])
  })

  it('is quick with ten thousand runs', async () => {
    const other = await startSlipstream()
    const ids = other.cloud.slipstream.runs.create({ owner: 'jane', count: 10_000 })
    expect(new Set(ids).size).toBe(10_000)
    const begun = performance.now()
    for (let offset = 0; offset < 10_000; offset += 500) {
      const page = await other.jane.get(`/run?limit=500&offset=${offset}&activeOnly=true`)
      expect(page.text).toContain('count="500" totalCount="10000"')
    }
    expect(performance.now() - begun).toBeLessThan(5000)
    await other.cloud.close()
  })
})
