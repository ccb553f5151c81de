import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud, type NuvlaCloud } from '../../../src/testing/cloud/index.js'
import { text, type Answer, type Json } from './calls.js'
import { cimiCalls, cookieOf, relsOf, type CimiCalls } from './cimi-calls.js'

const QUEUE = 1_000
const RUN = 10_000
const PULL = 5_000

let cloud: EmbeddedCloud
let nuvla: NuvlaCloud
let jane: CimiCalls
beforeEach(async () => {
  cloud = await startCloud({
    clouds: ['nuvla'],
    clock: { manual: true },
    nuvla: { jobQueueMs: QUEUE, jobRunMs: RUN, jobPullMs: PULL },
  })
  nuvla = cloud.nuvla
  jane = await loggedIn(nuvla.user)
})
afterEach(() => cloud.close())

async function loggedIn({ username, password }: NuvlaCloud['user']): Promise<CimiCalls> {
  const template = { href: 'session-template/password', username, password }
  return cimiCalls(nuvla.url, cookieOf(await cimiCalls(nuvla.url).post('session', { template })))
}
async function made(more: object = { parent: nuvla.credential }, calls = jane): Promise<string> {
  const answer = await calls.post('deployment', { module: { href: nuvla.modules.application }, ...more })
  expect(answer.status).toBe(201)
  return text(answer.headers.location)
}
async function acted(id: string, action: string, body?: object): Promise<string> {
  const answer = await jane.post(`${id}/${action}`, body)
  expect(answer.status).toBe(202)
  return text(answer.headers.location)
}
async function started(): Promise<string> {
  const id = await made()
  await acted(id, 'start')
  cloud.clock.advance(QUEUE + RUN)
  expect(await stateOf(id)).toBe('STARTED')
  return id
}
const read = async (id: string): Promise<Json> => (await jane.get(id)).json()
const stateOf = async (id: string): Promise<unknown> => (await read(id))['state']
const job = async (id: string): Promise<unknown[]> => {
  const { state, progress } = await read(id)
  return [state, progress]
}
const actionsOf = async (id: string): Promise<readonly string[]> => {
  const always = ['edit', 'clone', 'check-dct', 'fetch-module', 'force-delete']
  return relsOf(await read(id)).filter((rel) => !always.includes(rel))
}
async function parameters(id: string): Promise<Record<string, unknown>> {
  const body = (await jane.search('deployment-parameter', { filter: `parent='${id}'` })).json()
  return Object.fromEntries([...(body['resources'] ?? [])].map(({ name, value }) => [text(name), value]))
}

describe('a deployment', () => {
  it('is made of a module, given an infrastructure, and started', async () => {
    const id = await made({})
    expect(await read(id)).toMatchObject({
      id,
      'resource-type': 'deployment',
      state: 'CREATED',
      owner: nuvla.user.id,
      module: {
        href: nuvla.modules.application,
        path: 'apps/wordpress',
        content: {
          urls: [
            ['wordpress', 'http://${hostname}:${tcp.80}'],
            ['admin', expect.any(String)],
          ],
        },
      },
    })
    expect(await actionsOf(id)).toEqual(['delete', 'start'])
    expect((await read(id))['operations']).toContainEqual({ rel: 'start', href: `${id}/start` })
    expect((await jane.post(`${id}/start`)).status).toBe(400)
    const edited = await jane.put(id, { parent: nuvla.credential, state: 'STARTED' })
    expect(edited.json()).toMatchObject({ id, parent: nuvla.credential, state: 'CREATED' })
    expect(relsOf(edited.json())).toContain('start')

    const answer = await jane.post(`${id}/start`)
    const jobId = text(answer.headers.location)
    expect(answer.status).toBe(202)
    expect(answer.json()).toEqual({
      status: 202,
      message: `start_deployment ${id} with async ${jobId}`,
      'resource-id': id,
      location: jobId,
    })
    expect(await stateOf(id)).toBe('STARTING')
    expect(await actionsOf(id)).toEqual(['stop'])
    expect(await read(jobId)).toMatchObject({
      id: expect.stringMatching(/^job\//) as string,
      state: 'QUEUED',
      progress: 0,
      action: 'start_deployment',
      'target-resource': { href: id },
      'affected-resources': [{ href: id }],
      'execution-mode': 'push',
      priority: 999,
      version: 3,
    })
    expect(await parameters(id)).toMatchObject({ 'current.state': 'starting', 'replicas.running': '0' })
    expect(await parameters(id)).not.toHaveProperty('hostname')

    cloud.clock.advance(QUEUE)
    expect(await job(jobId)).toEqual(['RUNNING', 0])
    expect((await read(jobId))['started']).toMatch(/Z$/)
    const seen: unknown[] = []
    for (let step = 0; step < 4; step += 1) {
      cloud.clock.advance(RUN / 5)
      seen.push((await job(jobId))[1])
    }
    expect(seen).toEqual([20, 40, 60, 80])
    expect(await stateOf(id)).toBe('STARTING')
    expect(await parameters(id)).toMatchObject({ hostname: '198.18.1.10', 'tcp.80': '32768' })
    cloud.clock.advance(RUN / 5)
    expect(await read(jobId)).toMatchObject({
      state: 'SUCCESS',
      progress: 100,
      'return-code': 0,
      duration: (QUEUE + RUN) / 1000,
    })
    expect(await stateOf(id)).toBe('STARTED')
    expect(await actionsOf(id)).toEqual(['stop', 'update', 'create-log'])
    expect(await parameters(id)).toMatchObject({
      'current.state': 'running',
      'desired.state': 'running',
      'replicas.desired': '1',
      'replicas.running': '1',
      'restart.number': '0',
      'check.timestamp': expect.stringMatching(/Z$/) as string,
    })
    const one = await jane.search('deployment-parameter', { filter: `parent='${id}' and name='hostname'` })
    expect(one.json()).toMatchObject({
      count: 1,
      resources: [{ parent: id, 'node-id': 'wordpress', name: 'hostname', value: '198.18.1.10' }],
    })
  })

  it('is stopped, started again, stopped and deleted', async () => {
    const id = await started()
    const stopping = await acted(id, 'stop')
    expect(await stateOf(id)).toBe('STOPPING')
    expect(await actionsOf(id)).toEqual([])
    cloud.clock.advance(QUEUE + RUN)
    expect(await job(stopping)).toEqual(['SUCCESS', 100])
    expect(await stateOf(id)).toBe('STOPPED')
    expect(await actionsOf(id)).toEqual(['delete', 'start'])
    await acted(id, 'start')
    cloud.clock.advance(QUEUE + RUN)
    expect(await stateOf(id)).toBe('STARTED')
    const refused = await jane.remove(id)
    expect([refused.status, refused.json()['message']]).toEqual([
      409,
      `invalid state (STARTED) for delete on ${id}`,
    ])
    await acted(id, 'stop')
    cloud.clock.advance(QUEUE + RUN)
    expect((await jane.remove(id)).status).toBe(200)
    expect((await jane.get(id)).status).toBe(404)
    expect(await parameters(id)).toEqual({})
  })

  it('goes with its stop, if that is wanted', async () => {
    const id = await started()
    const stopping = await acted(id, 'stop', { delete: true, 'remove-volumes': true })
    expect(JSON.parse(text((await read(stopping))['payload']))).toEqual({
      delete: true,
      'remove-volumes': true,
    })
    cloud.clock.advance(QUEUE + RUN - 1)
    expect(await stateOf(id)).toBe('STOPPING')
    cloud.clock.advance(1)
    expect((await jane.get(id)).status).toBe(404)
    expect(await job(stopping)).toEqual(['SUCCESS', 100])
  })

  it('is stopped while it starts', async () => {
    const id = await made()
    const starting = await acted(id, 'start')
    cloud.clock.advance(QUEUE + RUN / 5)
    await acted(id, 'stop')
    expect(await job(starting)).toEqual(['CANCELED', 100])
    expect(await stateOf(id)).toBe('STOPPING')
    cloud.clock.advance(QUEUE + RUN)
    expect(await stateOf(id)).toBe('STOPPED')
  })

  it('is updated, and gives logs', async () => {
    const id = await started()
    await acted(id, 'update')
    expect(await stateOf(id)).toBe('UPDATING')
    expect(await actionsOf(id)).toEqual(['stop', 'create-log'])
    const log = await jane.post(`${id}/create-log`, { components: ['wordpress'], lines: 10 })
    expect(log.status).toBe(201)
    expect(await read(text(log.headers.location))).toMatchObject({
      parent: id,
      components: ['wordpress'],
      lines: 10,
      log: { wordpress: [expect.any(String)] },
    })
    cloud.clock.advance(QUEUE + RUN)
    expect(await stateOf(id)).toBe('STARTED')
  })

  it('fails when its job does', async () => {
    nuvla.failNext('no space left on device')
    const id = await made()
    const starting = await acted(id, 'start')
    cloud.clock.advance(QUEUE + RUN)
    expect(await read(starting)).toMatchObject({
      state: 'FAILED',
      progress: 100,
      'status-message': 'no space left on device',
      'return-code': 1,
    })
    expect(await stateOf(id)).toBe('ERROR')
    expect(await actionsOf(id)).toEqual(['stop', 'update', 'create-log'])
    expect((await parameters(id))['current.error.message']).toBe('no space left on device')
    await acted(id, 'update')
    cloud.clock.advance(QUEUE + RUN)
    expect(await stateOf(id)).toBe('STARTED')
  })

  it('waits for its edge device to fetch the job', async () => {
    const id = await made({ parent: nuvla.edgeCredential })
    const starting = await acted(id, 'start')
    expect(await stateOf(id)).toBe('PENDING')
    expect((await read(starting))['execution-mode']).toBe('pull')
    expect(await actionsOf(id)).toEqual(['stop'])
    cloud.clock.advance(PULL - 1)
    expect([await stateOf(id), ...(await job(starting))]).toEqual(['PENDING', 'QUEUED', 0])
    cloud.clock.advance(1)
    expect([await stateOf(id), ...(await job(starting))]).toEqual(['STARTING', 'RUNNING', 0])
    cloud.clock.advance(RUN)
    expect(await stateOf(id)).toBe('STARTED')
    const byWish = await made({ parent: nuvla.credential, 'execution-mode': 'pull' })
    await acted(byWish, 'start')
    expect(await stateOf(byWish)).toBe('PENDING')
  })

  it('is in error when its job is called off', async () => {
    const id = await made()
    const starting = await acted(id, 'start')
    expect(relsOf(await read(starting))).toEqual(['cancel'])
    cloud.clock.advance(QUEUE)
    const cancelled = await jane.post(`${starting}/cancel`)
    expect(cancelled.status).toBe(200)
    expect(await job(starting)).toEqual(['CANCELED', 100])
    expect(await stateOf(id)).toBe('ERROR')
    cloud.clock.advance(RUN)
    expect([await stateOf(id), ...(await job(starting))]).toEqual(['ERROR', 'CANCELED', 100])
    const again = await jane.post(`${starting}/cancel`)
    expect([again.status, again.json()['message']]).toEqual([
      409,
      `Action cancel cannot be called on ${starting} in state CANCELED!`,
    ])
  })

  it('is deleted by force whatever it does', async () => {
    const id = await made()
    await acted(id, 'start')
    cloud.clock.advance(QUEUE + RUN / 2)
    const answer = await jane.post(`${id}/force-delete`)
    expect([answer.status, answer.json()['message']]).toEqual([200, `${id} deleted`])
    expect((await jane.get(id)).status).toBe(404)
    expect(await parameters(id)).toEqual({})
    cloud.clock.advance(QUEUE + RUN)
    expect((await jane.search('job', { filter: "state='RUNNING' or state='QUEUED'" })).json()['count']).toBe(
      0,
    )
  })

  it('is cloned, checked, detached, and fetches its module again', async () => {
    const id = await made({ parent: nuvla.credential, name: 'first', 'deployment-set': 'deployment-set/1' })
    const cloned = await jane.post(`${id}/clone`, { name: 'second' })
    expect(cloned.status).toBe(201)
    expect(await read(text(cloned.headers.location))).toMatchObject({
      name: 'second',
      state: 'CREATED',
      parent: nuvla.credential,
    })
    await acted(id, 'check-dct')
    nuvla.documents.put('module', {
      ...nuvla.documents.get(nuvla.modules.application),
      content: { urls: [] },
    })
    expect(await read(id)).not.toMatchObject({ module: { content: { urls: [] } } })
    expect((await jane.post(`${id}/fetch-module`)).status).toBe(200)
    expect(await read(id)).toMatchObject({ module: { content: { urls: [] } } })
    expect(relsOf(await read(id))).toContain('detach')
    await jane.post(`${id}/detach`)
    expect(relsOf(await read(id))).not.toContain('detach')
  })

  it('refuses what it cannot do', async () => {
    const id = await started()
    const message = async (answer: Promise<Answer>): Promise<unknown[]> => {
      const { status, json } = await answer
      return [status, json()['message']]
    }
    expect(await message(jane.post(`${id}/start`))).toEqual([
      409,
      `Action start cannot be called on ${id} in state STARTED!`,
    ])
    expect(await message(jane.post(`${id}/fly`))).toEqual([
      404,
      `undefined action (post, ["deployment" "fly"]) for /api/${id}/fly`,
    ])
    const add = (body: object): Promise<unknown[]> => message(jane.post('deployment', body))
    const module = { href: nuvla.modules.component }
    expect((await add({}))[0]).toBe(400)
    expect(await add({ module: { href: 'module/none' } })).toEqual([404, 'module/none not found'])
    expect(await add({ module: { href: `${nuvla.modules.component}_7` } })).toEqual([
      404,
      `${nuvla.modules.component}_7 not found`,
    ])
    expect(await add({ module, parent: 'credential/none' })).toEqual([404, 'credential/none not found'])
    expect((await add({ module, parent: nuvla.unsubscribedCredential }))[0]).toBe(403)
    expect((await message(jane.put(id, { parent: 7 })))[0]).toBe(400)
    const eve = await loggedIn(nuvla.unsubscribedUser)
    expect((await eve.get(id)).status).toBe(403)
    expect((await eve.post(`${id}/stop`)).status).toBe(403)
    expect((await cimiCalls(nuvla.url).post('deployment', { module })).status).toBe(403)
  })

  it('does not start for who has not paid', async () => {
    const eve = await loggedIn(nuvla.unsubscribedUser)
    const id = await made({ parent: nuvla.unsubscribedCredential }, eve)
    const answer = await eve.post(`${id}/start`)
    expect([answer.status, answer.json()]).toEqual([
      402,
      { status: 402, message: 'Valid subscription and payment method are needed!' },
    ])
    nuvla.documents.put('deployment', { ...nuvla.documents.get(id), state: 'STARTED' })
    expect((await eve.post(`${id}/update`)).status).toBe(402)
    expect((await eve.post(`${id}/create-log`)).status).toBe(402)
    expect((await eve.post(`${id}/stop`)).status).toBe(202)
  })

  it('leaves a trace of events, newest first', async () => {
    const id = await started()
    const filter = `content/resource/href='${id}'`
    const events = (await jane.search('event', { filter })).json()
    const states = [...(events['resources'] ?? [])].map(({ content }) => content?.['state'])
    expect(states).toEqual(['STARTED', 'STARTING', 'CREATED'])
    expect(events['resources']?.[0]).toMatchObject({ category: 'state', severity: 'medium' })
    const eve = await loggedIn(nuvla.unsubscribedUser)
    for (const stranger of [eve, cimiCalls(nuvla.url)]) {
      expect((await stranger.search('event', { filter })).json()['count']).toBe(0)
    }
  })
})

describe('a job', () => {
  it('is not edited any more when it is over', async () => {
    const admin = await loggedIn(nuvla.privilegedUser)
    const id = await made()
    const starting = await acted(id, 'start')
    expect((await jane.put(starting, { tags: ['mine'] })).status).toBe(403)
    expect((await admin.put(starting, { tags: ['mine'], state: 'SUCCESS' })).json()).toMatchObject({
      state: 'QUEUED',
      tags: ['mine'],
    })
    expect((await admin.remove(starting)).status).toBe(409)
    cloud.clock.advance(QUEUE + RUN)
    const refused = await admin.put(starting, { tags: [] })
    expect([refused.status, refused.json()['message']]).toEqual([409, 'edit is not allowed in final state'])
    expect((await admin.remove(starting)).status).toBe(200)
  })

  it('is timed out by the privileged only', async () => {
    const admin = await loggedIn(nuvla.privilegedUser)
    const id = await made()
    const starting = await acted(id, 'start')
    expect((await jane.post(`${starting}/timeout`)).status).toBe(403)
    expect((await admin.post(`${starting}/timeout`)).json()).toMatchObject({ state: 'FAILED', progress: 100 })
    expect(await stateOf(id)).toBe('ERROR')
  })

  it('may be taken away by the operator', async () => {
    const id = await made()
    const starting = await acted(id, 'start')
    nuvla.documents.remove(starting)
    cloud.clock.advance(QUEUE + RUN)
    expect(await stateOf(id)).toBe('STARTING')
    expect((await jane.get(starting)).status).toBe(404)
  })
})
