import { inspect } from 'node:util'
import { firstValueFrom, lastValueFrom, take, type Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  HttpError,
  isHttpError,
  NetworkError,
  ResponseFormatError,
  ServerError,
  TokenError,
  type CloudError,
} from '../../src/errors.js'
import type { Retry, TrafficEvent } from '../../src/http/types.js'
import type { FaultKind } from '../../src/testing/cloud/index.js'
import {
  clientOf,
  errorOf,
  itemsOf,
  loginsAt,
  nuvlaOf,
  outcomeOf,
  sentTo,
  statesOf,
  stepping,
  strangerOf,
  type NuvlaSite,
} from './nuvla-site.js'

const PAGE = '<html><body><h1>Gateway</h1></body></html>'
const html = { kind: 'status', status: 200, body: PAGE, contentType: 'text/html' } as const

describe('trouble on the way', () => {
  it.each<[string, FaultKind]>([
    ['503', { kind: 'status', status: 503 }],
    ['429', { kind: 'status', status: 429, body: { status: 429, message: 'slow down' } }],
    ['a reset', { kind: 'reset' }],
    ['a reset in the middle', { kind: 'reset-mid-body', afterBytes: 10 }],
    ['half an answer', { kind: 'truncated-body', afterBytes: 10 }],
  ])('%s: reads and searches are sent again', async (_what, fault) => {
    const cloud = await nuvlaOf()
    const { cimi } = clientOf(cloud)
    const { application } = cloud.nuvla.modules
    const retries: Retry[] = []
    const onRetry = (retry: Retry): void => {
      retries.push(retry)
    }
    await itemsOf(cimi.search('module'))
    for (const method of ['GET', 'PUT']) cloud.faults.add({ method, path: '/api/module*', fault })
    expect(await firstValueFrom(cimi.get(application, { onRetry }))).toMatchObject({ id: application })
    expect(await itemsOf(cimi.search('module', {}, { onRetry }))).toHaveLength(3)
    expect(retries.map(({ attempt }) => attempt)).toEqual([1, 1])
  })

  it('the server says how long to wait', async () => {
    const cloud = await nuvlaOf()
    const { deployments } = clientOf(cloud)
    const { id } = await firstValueFrom(deployments.create(cloud.nuvla.modules.component))
    cloud.faults.add({ path: `/api/${id}`, fault: { kind: 'status', status: 503, retryAfter: 30 } })
    const retrying = await firstValueFrom(deployments.watch(id, { interval: 1 }))
    expect(retrying).toMatchObject({ kind: 'retrying', attempt: 1, delayMs: 30_000, error: { status: 503 } })
    cloud.faults.add({ path: `/api/${id}`, fault: { kind: 'status', status: 503, retryAfter: 3_600 } })
    const error = await errorOf(deployments.get(id))
    expect(error).toBeInstanceOf(ServerError)
    expect(error).toMatchObject({ retryAfterMs: 3_600_000, attempts: 1 })
  })

  it.each<[string, FaultKind]>([
    ['a page of HTML', html],
    ['what cannot be parsed', { kind: 'malformed-body' }],
    ['another thing', { kind: 'status', status: 200, body: { hello: 'world' } }],
    ['nothing', { kind: 'status', status: 200, body: '' }],
  ])('%s in place of a resource is a ResponseFormatError that names the operation', async (_what, fault) => {
    const cloud = await nuvlaOf()
    const { cimi, deployments } = clientOf(cloud)
    const { id } = await firstValueFrom(deployments.create(cloud.nuvla.modules.component))
    const add = (path: string, method: string): void => {
      cloud.faults.add({ path, method, fault })
    }
    add(`/api/${id}`, 'GET')
    add('/api/module', 'PUT')
    add('/api/deployment', 'POST')
    for (const [calls, operation] of [
      [cimi.get(id), 'nuvla.cimi.get'],
      [cimi.search('module'), 'nuvla.cimi.search'],
    ] as const) {
      const error = await errorOf(calls)
      expect(error).toBeInstanceOf(ResponseFormatError)
      expect(error).toMatchObject({ cloud: 'nuvla', operation, attempts: 1 })
      expect(error.message).toContain(operation)
    }
    const error = await errorOf(deployments.create(cloud.nuvla.modules.component))
    expect(error).toBeInstanceOf(ResponseFormatError)
    expect(error.operation).toMatch(/^nuvla\.(?:cimi\.add|deployments\.create)$/)
  })

  it('a page of HTML in place of the entry point is forgotten again', async () => {
    const cloud = await nuvlaOf()
    const { cimi } = clientOf(cloud)
    cloud.faults.add({ path: '/api/cloud-entry-point', fault: html })
    const error = await errorOf(cimi.search('module'))
    expect(error).toBeInstanceOf(ResponseFormatError)
    expect(error.operation).toBe('nuvla.cimi.entryPoint')
    expect(await itemsOf(cimi.search('module'))).toHaveLength(3)
  })

  it('a page of HTML in place of an error is an error by its status', async () => {
    const cloud = await nuvlaOf()
    const { cimi } = clientOf(cloud)
    await itemsOf(cimi.search('module'))
    cloud.faults.add({ path: '/api/module', times: 9, fault: { ...html, status: 502 } })
    const error = await errorOf(cimi.search('module'))
    expect(error).toBeInstanceOf(ServerError)
    expect(error).toMatchObject({ status: 502, reason: undefined, attempts: 4 })
  })

  it('a page of HTML in place of a login is no second factor', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    cloud.faults.add({ method: 'POST', path: '/api/session', fault: html })
    const error = await errorOf(client.deployments.list())
    expect(error).toBeInstanceOf(ResponseFormatError)
    expect(error.operation).toBe('nuvla.session.login')
    expect(await itemsOf(client.deployments.list())).toEqual([])
  })

  it('a login is tried again', async () => {
    const cloud = await nuvlaOf()
    cloud.faults.add({ path: '/api/session', fault: { kind: 'status', status: 503 } })
    cloud.faults.add({ path: '/api/session', fault: { kind: 'reset' } })
    expect(await itemsOf(clientOf(cloud).deployments.list())).toEqual([])
    expect(loginsAt(cloud)).toBe(3)
  })

  it('what may have arrived is not sent again; what was turned away is', async () => {
    const cloud = await nuvlaOf()
    const { deployments } = clientOf(cloud)
    const { component } = cloud.nuvla.modules
    const parent = cloud.nuvla.credential
    cloud.faults.add({ method: 'POST', path: '/api/deployment', fault: { kind: 'reset' } })
    const error = await errorOf(deployments.create(component, { parent }))
    expect(error).toBeInstanceOf(NetworkError)
    expect(error).toMatchObject({ operation: 'nuvla.cimi.add', retryable: false, attempts: 1 })
    const [made] = await itemsOf(deployments.list())
    const id = made?.id ?? ''

    cloud.faults.add({ method: 'POST', path: `/api/${id}/start`, fault: { kind: 'status', status: 503 } })
    cloud.faults.add({ method: 'POST', path: `/api/${id}/start`, skip: 1, fault: { kind: 'reset' } })
    const lost = await outcomeOf(deployments.start(id, stepping(cloud)))
    expect(lost.events).toEqual([])
    expect(lost.error).toBeInstanceOf(NetworkError)
    expect(cloud.requests({ path: `/api/${id}/start` }).map(({ status }) => status)).toEqual([503, undefined])
    // It did arrive, and whoever looks finds it.
    const found = await outcomeOf(deployments.watch(id, stepping(cloud)))
    expect(statesOf(found.events).slice(-2)).toEqual(['STARTED', 'done'])
  })

  it('failing polls are told, and the wait goes on; too many are its end', async () => {
    const cloud = await nuvlaOf()
    const { deployments } = clientOf(cloud)
    const { component } = cloud.nuvla.modules
    const parent = cloud.nuvla.credential
    cloud.faults.add({
      method: 'GET',
      path: '/api/job/*',
      skip: 2,
      times: 2,
      fault: { kind: 'status', status: 502 },
    })
    const { events, error } = await outcomeOf(deployments.deploy(component, { parent, ...stepping(cloud) }))
    expect(error).toBeUndefined()
    expect(events.filter(({ kind }) => kind === 'retrying')).toMatchObject([{ attempt: 1 }, { attempt: 2 }])
    expect(events.at(-1)?.kind).toBe('done')

    cloud.faults.add({ method: 'GET', path: '/api/job/*', times: 3, fault: { kind: 'reset' } })
    const impatient = await outcomeOf(
      deployments.deploy(component, { parent, maxConsecutiveErrors: 3, ...stepping(cloud) }),
    )
    expect(impatient.events.filter(({ kind }) => kind === 'retrying')).toHaveLength(2)
    expect(impatient.error).toBeInstanceOf(NetworkError)
  })

  it('a removal that may have happened is an error that says nothing else', async () => {
    const cloud = await nuvlaOf()
    const { deployments } = clientOf(cloud)
    const { id } = await firstValueFrom(deployments.create(cloud.nuvla.modules.component))
    cloud.faults.add({ method: 'DELETE', fault: { kind: 'reset' } })
    const error = await errorOf(deployments.terminate(id))
    expect(error).toBeInstanceOf(NetworkError)
    expect(error.attempts).toBe(1)
    expect(isHttpError(await errorOf(deployments.get(id)), 404)).toBe(true)
  })
})

describe('leaving', () => {
  it('unsubscribing from a wait sends no further request, and the cloud goes on', async () => {
    const cloud = await nuvlaOf()
    const { deployments, jobs } = clientOf(cloud)
    const { component } = cloud.nuvla.modules
    const submitted = deployments.deploy(component, { parent: cloud.nuvla.credential, interval: 1 })
    const third = await lastValueFrom(submitted.pipe(take(3)))
    expect(third.kind).toBe('progress')
    const { ref } = third
    const path = `/api/${String(ref?.args['job'])}`
    // Many times the interval.
    for (let count = 0; count < 20; count++) await itemsOf(jobs.list())
    expect(cloud.requests({ path })).toHaveLength(1)
    cloud.clock.advance(60_000)
    const last = await lastValueFrom(deployments.watch(String(ref?.args['id'])))
    expect(last).toMatchObject({ kind: 'done', result: { state: 'STARTED' } })
  })

  it('aborting a call closes its connection: the server does nothing for nobody', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud, { connection: { proxy: false, connections: 1 } })
    const { deployments } = client
    const parent = cloud.nuvla.credential
    const { id } = await firstValueFrom(deployments.create(cloud.nuvla.modules.component, { parent }))
    const path = `/api/${id}/start`
    cloud.faults.add({ path, fault: { kind: 'delay', ms: 60_000 } })
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    const pending = errorOf(deployments.start(id, { signal: controller.signal }))
    const other = clientOf(cloud)
    while (cloud.requests({ path }).length === 0) await itemsOf(other.jobs.list())
    controller.abort(reason)
    expect(await pending).toBe(reason)
    // The only connection is free again.
    expect(await firstValueFrom(deployments.get(id))).toMatchObject({ state: 'CREATED' })
    expect(cloud.requests({ path }).map(({ status }) => status)).toEqual([undefined])
  })

  it('closing the client ends what is under way', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud, { retry: false })
    await itemsOf(client.deployments.list())
    cloud.faults.add({ path: '/api/module', fault: { kind: 'slow-first-byte', ms: 60_000 } })
    const pending = errorOf(client.cimi.search('module'))
    const other = clientOf(cloud)
    while (cloud.requests({ path: '/api/module' }).length === 0) await itemsOf(other.jobs.list())
    client.close()
    expect(await pending).toMatchObject({ code: 'SKY_NETWORK', retryable: false })
  })

  it('a caller who leaves does not take the login of the others along', async () => {
    const cloud = await nuvlaOf()
    const { cimi, tokens } = clientOf(cloud)
    const leaving = cimi.search('module').subscribe({ error: (error: unknown) => expect.fail(String(error)) })
    const staying = itemsOf(cimi.search('module'))
    tokens.subscribe((state) => {
      if (state.kind === 'refreshing') leaving.unsubscribe()
    })
    expect(await staying).toHaveLength(3)
    expect(loginsAt(cloud)).toBe(1)
    expect(sentTo(cloud)).toEqual(['PUT /api/module'])
  })
})

describe('secrets', () => {
  const shown = (value: unknown): string => inspect(value, { depth: 9 }) + JSON.stringify(value)
  const session = { method: 'POST', path: '/api/session' }

  /** What a server or a proxy says that repeats whatever it was sent. */
  const echo = (
    statuses: readonly number[],
    cloud: NuvlaSite,
    fault: { readonly method?: string; readonly path: string },
    words: string[],
  ): void => {
    for (const status of statuses) {
      const message = words.join(' ')
      cloud.faults.add({ ...fault, times: 1, fault: { kind: 'status', status, body: { status, message } } })
    }
  }

  it('of a login are in no error, whatever comes back', async () => {
    const cloud = await nuvlaOf()
    const { key, secret } = cloud.nuvla.apiKey
    echo([200, 400, 403, 500], cloud, session, [JSON.stringify({ key, secret }), `secret was ${secret}`])
    const client = clientOf(cloud, { retry: false })
    const errors: CloudError[] = []
    for (let count = 0; count < 4; count++) errors.push(await errorOf(client.deployments.list()))
    expect(errors.filter((error) => error instanceof HttpError).map(({ status }) => status)).toEqual([
      400, 403, 500,
    ])
    expect(
      errors.filter((error) => error instanceof TokenError || error instanceof ResponseFormatError),
    ).toHaveLength(1)
    expect(shown(errors)).not.toContain(secret)
    const password = 'p4ss "word" \\ with all'
    echo([200, 400, 403, 500], cloud, session, [password, JSON.stringify(password)])
    const stranger = strangerOf(cloud, { username: 'jane', password, retry: false })
    const more: CloudError[] = []
    for (let count = 0; count < 4; count++) more.push(await errorOf(stranger.deployments.list()))
    expect(shown(more)).not.toContain(password)
    expect(shown(more)).not.toContain('word\\" ')
  })

  it('of a session are in no error, event, or token that is shown', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud, { retry: false })
    const traffic: TrafficEvent[] = []
    client.traffic.subscribe((event) => traffic.push(event))
    const states: unknown[] = []
    client.tokens.subscribe((state) => states.push(state))
    const { value } = await firstValueFrom(client.tokens.token())
    const { application } = cloud.nuvla.modules
    const id = (await firstValueFrom(client.deployments.create(application))).id
    echo([200, 400, 404, 500], cloud, { path: `/api/${id}` }, [`com.com.sixsq.nuvla.cookie=${value}`, value])
    const get = (): Observable<unknown> => client.cimi.get(id)
    const errors: CloudError[] = []
    for (let count = 0; count < 4; count++) errors.push(await errorOf(get()))
    const events = await itemsOf(client.deployments.watch(id))
    const all = shown([errors, events, traffic, states, client.tokens.value]) + inspect(client, { depth: 9 })
    expect(all).not.toContain(value)
    expect(all).not.toContain(cloud.nuvla.apiKey.secret)
    expect(traffic.map((event) => ('operation' in event ? event.operation : event.kind))).toContain(
      'nuvla.session.login',
    )
  })

  it('of a new key are in no error, even if half of the answer is lost', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud, { retry: false })
    const secret = 'ab3dEf.ghJk4m.npqR5t'
    const body = `{"status": 201, "message": "made", "secret-key": "${secret}`
    cloud.faults.add({
      method: 'POST',
      path: '/api/credential',
      fault: { kind: 'status', status: 201, body },
    })
    const error = await errorOf(client.session.createApiKey())
    expect(error).toBeInstanceOf(ResponseFormatError)
    expect(shown(error)).not.toContain('ab3dEf')
  })

  it('of a deployment can be read, and are not shown', async () => {
    const cloud = await nuvlaOf()
    const client = clientOf(cloud)
    const { application } = cloud.nuvla.modules
    const id = 'deployment/with-secrets'
    const credentials = { 'api-key': 'credential/1', 'api-secret': 'hidden-secret' }
    const document = { id, state: 'STARTED', module: { href: application }, 'api-credentials': credentials }
    cloud.nuvla.documents.put('deployment', document)
    for (const [name, value] of [
      ['admin.password', 'hidden-password'],
      ['hostname', 'seen.example.org'],
    ]) {
      cloud.nuvla.documents.put('deployment-parameter', { parent: id, name, value })
    }
    const deployment = await firstValueFrom(client.deployments.get(id))
    expect(deployment['api-credentials']).toEqual(credentials)
    const parameters = await itemsOf(client.deployments.parameters(id))
    expect(parameters.map(({ value }) => value).sort()).toEqual(['hidden-password', 'seen.example.org'])
    const watched = await itemsOf(client.deployments.watch(id))
    const all = shown([deployment, parameters, watched])
    expect(all).toContain('seen.example.org')
    expect(all).not.toContain('hidden-')
  })
})
