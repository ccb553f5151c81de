import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud } from '../../../src/testing/cloud/index.js'
import { call, computeCalls, imageNamed, type Answer, type Json, text } from './calls.js'

const BUILD_MS = 180_000
const ACTION_MS = 20_000

let cloud: EmbeddedCloud
let compute: ReturnType<typeof computeCalls>
beforeAll(async () => {
  cloud = await startCloud({
    clouds: ['synnefo'],
    clock: { manual: true },
    synnefo: { quota: { 'cyclades.vm': 1000, 'cyclades.cpu': 1000 } },
  })
  compute = computeCalls(cloud.synnefo)
})
afterAll(() => cloud.close())

const debian = (): string => imageNamed(cloud.synnefo, 'Debian 12 Base')
const order = (extra: Record<string, unknown> = {}) => ({
  server: { name: 'web-1', flavorRef: 1, imageRef: debian(), ...extra },
})
const messageOf = (answer: Answer): [number, string, string] => {
  const [name, fault] = Object.entries(answer.json())[0] ?? []
  return [answer.status, String(name), text(fault?.['message'])]
}
async function create(extra: Record<string, unknown> = {}): Promise<number> {
  const answer = await compute.post('/servers', order(extra))
  expect(answer.status).toBe(202)
  return Number(answer.json()['server']?.['id'])
}
async function active(extra: Record<string, unknown> = {}): Promise<number> {
  const id = await create(extra)
  cloud.clock.advance(BUILD_MS)
  return id
}
async function show(id: number): Promise<Json> {
  const server = (await compute.get(`/servers/${String(id)}`)).json()['server']
  if (server === undefined) throw new Error('There is no server')
  return server
}
/** Status and task state. */
async function stateOf(id: number): Promise<[unknown, unknown]> {
  const server = await show(id)
  return [server['status'], server['SNF:task_state']]
}

describe('who may call', () => {
  it('asks for a token: in the query first, then in the header', async () => {
    const { url, token } = cloud.synnefo
    const flavors = `${url}/compute/v2.0/flavors`
    expect(messageOf(await call('GET', flavors))).toEqual([
      401,
      'unauthorized',
      'Access denied. No authentication token',
    ])
    expect(messageOf(await call('GET', flavors, { token: 'wrong' }))).toEqual([401, 'fault', 'UNAUTHORIZED'])
    expect((await call('GET', `${flavors}?X-Auth-Token=${token}`, { token: 'wrong' })).status).toBe(200)
    expect((await call('GET', `${flavors}?X-Auth-Token=wrong`, { token })).status).toBe(401)
  })

  it('has version documents for everybody', async () => {
    const { url } = cloud.synnefo
    expect((await call('GET', `${url}/compute/`)).json()['versions']?.[0]?.['id']).toBe('v2.0')
    expect((await call('GET', `${url}/compute/v2.0/`)).json()['version']).toHaveProperty('media_types')
  })

  it('answers 400 to unknown paths and 405 to wrong methods', async () => {
    expect(messageOf(await compute.get('/serverz'))).toEqual([400, 'badRequest', 'API endpoint not found'])
    expect(messageOf(await compute.get('/limits'))).toEqual([400, 'badRequest', 'API endpoint not found'])
    expect(messageOf(await compute.get('/servers/1/'))).toEqual([400, 'badRequest', 'API endpoint not found'])
    const wrong = await compute.remove('/servers')
    expect(messageOf(wrong)).toEqual([405, 'notAllowed', 'Method not allowed'])
    expect(wrong.headers.allow).toBe('GET,POST')
    expect((await compute.get('/servers/')).status).toBe(200)
    expect((await compute.get('/servers.json')).status).toBe(200)
    expect((await compute.get('/servers/detail?format=xml')).status).toBe(501)
  })

  it('hides servers of others, unless they are shared in a common project', async () => {
    const mine = await create()
    const shared = await create({ project: cloud.synnefo.sharedProjectId, shared_to_project: true })
    const theirs = computeCalls(cloud.synnefo, cloud.synnefo.other.token)
    expect((await theirs.get(`/servers/${String(mine)}`)).status).toBe(404)
    expect((await theirs.get(`/servers/${String(shared)}`)).status).toBe(200)
    expect([...(await theirs.get('/servers')).json()['servers']!].map((server) => server['id'])).toEqual([
      shared,
    ])
  })
})

describe('POST servers', () => {
  it('answers 202 with the whole server and the only sight of the password', async () => {
    const answer = await compute.post('/servers', order({ metadata: { os: 'debian' } }))
    expect(answer.status).toBe(202)
    const server = answer.json()['server']
    expect(server).toMatchObject({
      name: 'web-1',
      user_id: cloud.synnefo.user.id,
      tenant_id: cloud.synnefo.user.id,
      status: 'BUILD',
      'SNF:task_state': 'BUILDING',
      progress: 0,
      metadata: { os: 'debian' },
      attachments: [],
      addresses: {},
      deleted: false,
      suspended: false,
      flavor: { id: 1 },
      image: { id: debian() },
      'SNF:port_forwarding': {},
    })
    expect(typeof server?.['id']).toBe('number')
    expect(text(server?.['adminPass'])).toMatch(/^(?=.*[a-z])(?=.*[A-Z])(?=.*\d).{10}$/)
    const id = Number(server?.['id'])
    expect(await show(id)).not.toHaveProperty('adminPass')
    const path = `/servers/${String(id)}/password`
    expect((await compute.get(path)).json()).toEqual({ password: server?.['adminPass'] })
    expect((await compute.remove(path)).status).toBe(204)
    expect((await compute.get(path)).status).toBe(404)
  })

  it('checks what it is given', async () => {
    const long = 'x'.repeat(256)
    const eleven = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`key${String(index)}`, 'v']))
    const file = { path: '/etc/motd', contents: 'aGVsbG8=' }
    const stranger = '00000000-0000-4000-8000-000000000000'
    const cases: [Record<string, unknown>, number, string][] = [
      [{ name: long }, 400, 'badRequest'],
      [{ name: '' }, 400, 'badRequest'],
      [{ flavorRef: 99 }, 404, 'itemNotFound'],
      [{ flavorRef: 'big' }, 400, 'badRequest'],
      [{ flavorRef: 11 }, 403, 'forbidden'],
      [{ flavorRef: 12 }, 403, 'forbidden'],
      [{ imageRef: stranger }, 404, 'itemNotFound'],
      [{ imageRef: undefined }, 400, 'badRequest'],
      [{ metadata: eleven }, 400, 'badRequest'],
      [{ metadata: { ['k'.repeat(51)]: 'v' } }, 400, 'badRequest'],
      [{ metadata: { k: 'v'.repeat(501) } }, 400, 'badRequest'],
      [{ personality: Array(6).fill(file) }, 413, 'overLimit'],
      [{ personality: [{ ...file, contents: Buffer.alloc(10_241).toString('base64') }] }, 413, 'overLimit'],
      [{ personality: [{ ...file, contents: '!' }] }, 400, 'badRequest'],
      [{ personality: [{ ...file, size: 1 }] }, 400, 'badRequest'],
      [{ user_data: 'no base64' }, 400, 'badRequest'],
      [{ adminPass: 'tooeasy' }, 400, 'badRequest'],
      [{ key_name: 'nobodys' }, 404, 'itemNotFound'],
      [{ key_name: 'a', 'SNF:key_names': ['b'] }, 400, 'badRequest'],
      [{ networks: Array(9).fill({ uuid: '1' }) }, 400, 'badRequest'],
      [{ networks: [{ uuid: '2719' }] }, 409, 'conflict'],
      [{ networks: [{ uuid: '1' }] }, 404, 'itemNotFound'],
      [{ tags: ['a/b'] }, 400, 'badRequest'],
      [{ block_device_mapping_v2: [{ source_type: 'blank' }] }, 400, 'badRequest'],
    ]
    for (const [extra, status, name] of cases) {
      const answer = await compute.post('/servers', order(extra))
      expect([extra, ...messageOf(answer).slice(0, 2)]).toEqual([extra, status, name])
    }
    const texts: [Record<string, unknown>, string][] = [
      [{ project: stranger }, `User ${cloud.synnefo.user.id} not in project ${stranger}`],
      [{ user_data: 'no base64' }, 'Marformed user_data request'],
      [{ networks: Array(9).fill({ uuid: '1' }) }, 'Maximum ports per server limit reached'],
      [
        { block_device_mapping_v2: [{ source_type: 'image', uuid: stranger }] },
        "The specified server's image is different from the the source of the first volume.",
      ],
    ]
    for (const [extra, text] of texts) {
      expect(messageOf(await compute.post('/servers', order(extra)))).toEqual([400, 'badRequest', text])
    }
    expect(messageOf(await compute.post('/servers', {}))).toEqual([400, 'badRequest', 'Malformed Request.'])
  })

  it('gives no address when no network is wanted', async () => {
    const id = await active({ networks: [] })
    expect(await show(id)).toMatchObject({ status: 'ACTIVE', attachments: [], addresses: {} })
  })

  it('takes the image from the first device', async () => {
    const id = await create({
      imageRef: null,
      block_device_mapping_v2: [{ source_type: 'image', uuid: debian() }, { source_type: 'blank' }],
    })
    expect((await show(id))['image']?.['id']).toBe(debian())
  })
})

describe('a build', () => {
  it('rises, falls back once and ends ACTIVE with an address', async () => {
    const id = await create()
    const seen: number[] = []
    for (let step = 0; step < 99; step += 1) {
      cloud.clock.advance(BUILD_MS / 100)
      const server = await show(id)
      expect([server['status'], server['SNF:task_state'], [...server['attachments']!]]).toEqual([
        'BUILD',
        'BUILDING',
        [],
      ])
      const progress = Number(server['progress'])
      if (seen.at(-1) !== progress) seen.push(progress)
    }
    const falls = seen.filter((progress, index) => progress < (seen[index - 1] ?? 0))
    expect(falls).toEqual([52])
    expect([seen[0], seen.at(-1)]).toEqual([0, 100])
    cloud.clock.advance(BUILD_MS / 100)
    const server = await show(id)
    expect([server['status'], server['SNF:task_state'], server['progress']]).toEqual(['ACTIVE', '', 100])
    const [attachment] = server['attachments'] ?? []
    expect(attachment).toMatchObject({ network_id: '2719', ipv6: '', 'OS-EXT-IPS:type': 'fixed' })
    expect(server['addresses']?.['2719']).toEqual([
      { version: 4, addr: attachment?.['ipv4'], 'OS-EXT-IPS:type': 'fixed' },
    ])
    expect(server['SNF:port_forwarding']?.['22']).toEqual({
      host: 'gate.example.org',
      port: String(10_000 + id),
    })
    const diagnostics = (await compute.get(`/servers/${String(id)}/diagnostics`)).json() as unknown as Json[]
    expect(diagnostics[0]).toMatchObject({
      level: 'DEBUG',
      message: 'Image customization finished successfully.',
      details: null,
    })
    expect(diagnostics.length).toBeGreaterThan(1)
    expect([...server['diagnostics']!]).toEqual([diagnostics[0]])
  })

  it('can end in ERROR, with a diagnostic', async () => {
    const id = await create({ imageRef: imageNamed(cloud.synnefo, 'Broken') })
    expect(await stateOf(id)).toEqual(['BUILD', 'BUILDING'])
    cloud.clock.advance(BUILD_MS)
    const server = await show(id)
    expect(server).toMatchObject({ status: 'ERROR', 'SNF:task_state': '', attachments: [] })
    expect(server['diagnostics']?.[0]).toMatchObject({ level: 'ERROR' })
    expect(Number(server['progress'])).toBeLessThan(100)
    expect(messageOf(await compute.act(id, { start: {} }))).toEqual([
      400,
      'badRequest',
      "Cannot perform 'START' action while server is in 'ERROR' state.",
    ])
    expect((await compute.remove(`/servers/${String(id)}`)).status).toBe(204)
  })

  it('that cannot be queued is answered like any other, but for its task', async () => {
    const imageRef = imageNamed(cloud.synnefo, 'Refused')
    const server = (await compute.post('/servers', order({ imageRef }))).json()['server']
    expect([server?.['status'], server?.['SNF:task_state']]).toEqual(['BUILD', ''])
    expect(await stateOf(Number(server?.['id']))).toEqual(['ERROR', ''])
  })

  it('lets nobody in', async () => {
    const id = await create()
    const building = [409, 'buildInProgress', `Server '${String(id)}' is being built.`]
    expect(messageOf(await compute.remove(`/servers/${String(id)}`))).toEqual(building)
    cloud.clock.advance(1000)
    expect(messageOf(await compute.act(id, { start: {} }))).toEqual(building)
    expect(messageOf(await compute.act(id, { console: { type: 'vnc' } }))).toEqual([
      400,
      'badRequest',
      'Server not in ACTIVE state.',
    ])
  })

  it('can be deleted once the backend knows of it; it is still finished first', async () => {
    const id = await create()
    cloud.clock.advance(1000)
    expect((await compute.remove(`/servers/${String(id)}`)).status).toBe(204)
    expect(await stateOf(id)).toEqual(['BUILD', 'DESTROYING'])
    cloud.clock.advance(BUILD_MS - 1000)
    expect(await stateOf(id)).toEqual(['ACTIVE', 'DESTROYING'])
    cloud.clock.advance(ACTION_MS)
    expect(await stateOf(id)).toEqual(['DELETED', ''])
  })
})

describe('actions', () => {
  it('stop and start with a lag', async () => {
    const id = await active()
    const answer = await compute.act(id, { shutdown: {} })
    expect([answer.status, answer.text]).toEqual([202, ''])
    expect(await stateOf(id)).toEqual(['ACTIVE', 'STOPPING'])
    cloud.clock.advance(ACTION_MS)
    expect(await stateOf(id)).toEqual(['STOPPED', ''])
    expect((await compute.act(id, { 'os-start': null })).status).toBe(202)
    expect(await stateOf(id)).toEqual(['STOPPED', 'STARTING'])
    cloud.clock.advance(ACTION_MS)
    expect(await stateOf(id)).toEqual(['ACTIVE', ''])
  })

  it('refuse while another is pending, and in the wrong state', async () => {
    const id = await active()
    const refusals: [unknown, string][] = [
      [{ start: {} }, "Cannot perform 'START' action while server is in 'STARTED' state."],
      [{ resize: { flavorRef: 2 } }, "Cannot perform 'RESIZE' action while server is in 'STARTED' state."],
    ]
    for (const [action, text] of refusals) {
      expect(messageOf(await compute.act(id, action))).toEqual([400, 'badRequest', text])
    }
    await compute.act(id, { 'os-stop': null })
    expect(messageOf(await compute.act(id, { start: {} }))).toEqual([
      400,
      'badRequest',
      "Cannot perform 'START' action while there is a pending 'STOP'.",
    ])
    cloud.clock.advance(ACTION_MS)
    expect(messageOf(await compute.act(id, { shutdown: {} }))).toEqual([
      400,
      'badRequest',
      "Cannot perform 'STOP' action while server is in 'STOPPED' state.",
    ])
  })

  it('reboot through REBOOT, and start what was stopped', async () => {
    const id = await active()
    expect((await compute.act(id, { reboot: { type: 'HARD' } })).status).toBe(202)
    expect(await stateOf(id)).toEqual(['ACTIVE', 'REBOOTING'])
    cloud.clock.advance(ACTION_MS / 2)
    expect(await stateOf(id)).toEqual(['REBOOT', 'REBOOTING'])
    cloud.clock.advance(ACTION_MS / 2)
    expect(await stateOf(id)).toEqual(['ACTIVE', ''])
    await compute.act(id, { shutdown: {} })
    cloud.clock.advance(ACTION_MS)
    await compute.act(id, { reboot: { type: 'SOFT' } })
    cloud.clock.advance(ACTION_MS / 2)
    expect(await stateOf(id)).toEqual(['STOPPED', 'REBOOTING'])
    cloud.clock.advance(ACTION_MS / 2)
    expect(await stateOf(id)).toEqual(['ACTIVE', ''])
    expect(messageOf(await compute.act(id, { reboot: { type: 'WARM' } }))).toEqual([
      400,
      'badRequest',
      "Invalid 'type' attribute.",
    ])
  })

  it('resize what is stopped, within the same disk', async () => {
    const id = await active({ flavorRef: 2 })
    await compute.act(id, { shutdown: {} })
    cloud.clock.advance(ACTION_MS)
    for (const flavorRef of [2, 4, 8]) {
      expect((await compute.act(id, { resize: { flavorRef } })).status).toBe(400)
    }
    expect((await compute.act(id, { resize: { flavorRef: 99 } })).status).toBe(404)
    expect((await compute.act(id, { resize: { flavorRef: 3 } })).status).toBe(202)
    expect(await stateOf(id)).toEqual(['STOPPED', 'RESIZING'])
    expect((await show(id))['flavor']?.['id']).toBe(2)
    cloud.clock.advance(ACTION_MS)
    expect(await stateOf(id)).toEqual(['STOPPED', ''])
    expect((await show(id))['flavor']?.['id']).toBe(3)
  })

  it('that fail leave the status as it was', async () => {
    const id = await active()
    for (const action of [{ shutdown: {} }, { reboot: { type: 'SOFT' } }]) {
      cloud.synnefo.failNextJob(id)
      await compute.act(id, action)
      cloud.clock.advance(ACTION_MS)
      expect(await stateOf(id)).toEqual(['ACTIVE', ''])
    }
    cloud.synnefo.failNextJob(id)
    await compute.remove(`/servers/${String(id)}`)
    expect(await stateOf(id)).toEqual(['ACTIVE', 'DESTROYING'])
    cloud.clock.advance(ACTION_MS)
    expect(await stateOf(id)).toEqual(['ACTIVE', ''])
    await compute.act(id, { shutdown: {} })
    cloud.clock.advance(ACTION_MS)
    expect(await stateOf(id)).toEqual(['STOPPED', ''])
  })

  it('keep the task of a newer job when an older one ends', async () => {
    const id = await active()
    await compute.act(id, { shutdown: {} })
    cloud.clock.advance(ACTION_MS / 2)
    await compute.remove(`/servers/${String(id)}`)
    expect(await stateOf(id)).toEqual(['ACTIVE', 'DESTROYING'])
    cloud.clock.advance(ACTION_MS / 2)
    expect(await stateOf(id)).toEqual(['STOPPED', 'DESTROYING'])
    cloud.clock.advance(ACTION_MS)
    expect(await stateOf(id)).toEqual(['DELETED', ''])
  })

  it('open a console of an ACTIVE server', async () => {
    const id = await active()
    const answer = await compute.act(id, { console: { type: 'vnc-wss' } })
    expect(answer.status).toBe(200)
    expect(answer.json()['console']).toMatchObject({ type: 'vnc-wss', host: 'console.example.org' })
    expect(typeof answer.json()['console']?.['port']).toBe('number')
    expect(messageOf(await compute.act(id, { console: { type: 'tty' } }))).toEqual([
      400,
      'badRequest',
      'Supported types: vnc, vnc-ws, vnc-wss',
    ])
    const web = await compute.act(id, { 'os-getVNCConsole': { type: 'novnc' } })
    expect(web.json()['console']?.['type']).toBe('novnc')
    expect((await compute.act(id, { 'os-getSPICEConsole': { type: 'x' } })).status).toBe(501)
  })

  it('set the firewall of a port after a while', async () => {
    const id = await active()
    const port = (await show(id))['attachments']?.[0]?.['id']
    const set = (profile: unknown, nic: unknown): Promise<Answer> =>
      compute.act(id, { firewallProfile: { profile, nic } })
    expect((await set('ENABLED', port)).status).toBe(202)
    expect((await show(id))['attachments']?.[0]).not.toHaveProperty('firewallProfile')
    cloud.clock.advance(2000)
    expect((await show(id))['attachments']?.[0]?.['firewallProfile']).toBe('ENABLED')
    expect((await set('LOCKED', port)).status).toBe(400)
    expect(messageOf(await set('DISABLED', 1))).toEqual([404, 'itemNotFound', "NIC '1' not found"])
  })

  it('know their traps', async () => {
    const id = await active()
    const cases: [unknown, number, string, string][] = [
      [{ stop: {} }, 500, 'internalServerError', 'Unexpected error'],
      [{ destroy: {} }, 500, 'internalServerError', 'Unexpected error'],
      [{ reboot: null }, 500, 'internalServerError', 'Unexpected error'],
      [{}, 400, 'badRequest', 'Malformed Request.'],
      [{ changePassword: {} }, 400, 'badRequest', 'Action changePassword not supported'],
      [{ confirmResize: null }, 400, 'badRequest', 'Action confirmResize not supported'],
      [{ constructor: {} }, 400, 'badRequest', 'Action constructor not supported'],
      [{ suspend: {} }, 403, 'forbidden', ''],
      [{ rescue: {} }, 404, 'featureNotEnabled', 'Rescue is not enabled.'],
    ]
    for (const [action, ...expected] of cases) {
      expect(messageOf(await compute.act(id, action))).toEqual(expected)
    }
    expect(await stateOf(id)).toEqual(['ACTIVE', ''])
  })

  it('are refused to a suspended server', async () => {
    const id = await active()
    cloud.synnefo.suspendServer(id)
    expect(await show(id)).toMatchObject({ suspended: true, status: 'ACTIVE' })
    const suspended = [403, 'forbidden', 'Administratively Suspended VM']
    expect(messageOf(await compute.act(id, { shutdown: {} }))).toEqual(suspended)
    expect(messageOf(await compute.put(`/servers/${String(id)}`, { server: { name: 'x' } }))).toEqual(
      suspended,
    )
    expect(messageOf(await compute.remove(`/servers/${String(id)}`))).toEqual(suspended)
    cloud.synnefo.suspendServer(id, false)
    expect((await compute.act(id, { shutdown: {} })).status).toBe(202)
  })
})

describe('after the end', () => {
  it('a server is still there by id, but in no list', async () => {
    const id = await active({ name: 'gone' })
    const began = new Date(Date.now() - 1000).toISOString()
    await compute.remove(`/servers/${String(id)}`)
    cloud.clock.advance(ACTION_MS)
    const answer = await compute.get(`/servers/${String(id)}`)
    expect(answer.status).toBe(200)
    expect(answer.json()['server']).toMatchObject({
      status: 'DELETED',
      deleted: true,
      attachments: [],
      volumes: [],
    })
    const ids = async (path: string): Promise<unknown[]> =>
      [...((await compute.get(path)).json()['servers'] ?? [])].map((server) => server['id'])
    expect(await ids('/servers')).not.toContain(id)
    expect(await ids(`/servers/detail?changes-since=${began}`)).toContain(id)
    expect(messageOf(await compute.act(id, { start: {} }))).toEqual([
      400,
      'badRequest',
      `Server '${String(id)}' has been deleted.`,
    ])
    expect((await compute.remove(`/servers/${String(id)}`)).status).toBe(400)
    expect((await compute.put(`/servers/${String(id)}`, { server: { name: 'x' } })).status).toBe(400)
  })
})

describe('lists', () => {
  it('are short or full, by id', async () => {
    const short = [...(await compute.get('/servers')).json()['servers']!]
    expect(Object.keys(short[0] ?? {})).toEqual(['id', 'name', 'links'])
    const ids = short.map((server) => Number(server['id']))
    expect(ids).toEqual([...ids].sort((left, right) => left - right))
    const full = [...(await compute.get('/servers/detail')).json()['servers']!]
    expect(full.map((server) => server['id'])).toEqual(ids)
    expect(full[0]).toHaveProperty('SNF:task_state')
  })

  it('know what has changed since', async () => {
    const since = (text: string): Promise<Answer> =>
      compute.get(`/servers?changes-since=${encodeURIComponent(text)}`)
    const at = (offsetMs: number): string =>
      new Date(Date.now() + offsetMs).toISOString().replace('Z', '+00:00')
    expect((await since(at(-60_000))).status).toBe(200)
    expect(messageOf(await since(at(60_000)))[2]).toBe('changes-since value set in the future.')
    expect(messageOf(await since(at(-3_660_000)))[2]).toBe('Too old changes-since value.')
    expect(messageOf(await since('yesterday'))[2]).toBe('Invalid changes-since parameter.')
    expect(messageOf(await since(at(0).slice(0, 19)))[2]).toBe('Invalid changes-since parameter.')
    expect(messageOf(await compute.get(`/servers?changes-since=${at(-1000)}`))[2]).toBe(
      'Invalid changes-since parameter.',
    )
  })

  it('answer 304 when nothing has', async () => {
    const theirs = computeCalls(cloud.synnefo, cloud.synnefo.other.token)
    const since = encodeURIComponent(new Date(Date.now() - 1).toISOString())
    const answer = await theirs.get(`/servers?changes-since=${since}`)
    expect([answer.status, answer.text]).toEqual([304, ''])
    expect((await theirs.get(`/images?changes-since=${since}`)).json()).toEqual({ images: [] })
  })

  it('tell wrong ids from unknown ones', async () => {
    expect(messageOf(await compute.get('/servers/abc'))).toEqual([400, 'badRequest', 'Invalid server ID.'])
    expect(messageOf(await compute.get('/servers/999999'))).toEqual([
      404,
      'itemNotFound',
      'Server not found.',
    ])
  })
})

describe('parts of a server', () => {
  let id: number
  let path: string
  beforeEach(async () => {
    id = await active()
    path = `/servers/${String(id)}`
  })

  it('is renamed with 204', async () => {
    const answer = await compute.put(path, { server: { name: 'web-2' } })
    expect([answer.status, answer.text]).toEqual([204, ''])
    expect((await show(id))['name']).toBe('web-2')
    expect((await compute.put(path, { server: { name: 'x'.repeat(256) } })).status).toBe(400)
  })

  it('has metadata', async () => {
    const merged = await compute.post(`${path}/metadata`, { metadata: { a: '1', b: '2' } })
    expect([merged.status, merged.json()]).toEqual([201, { metadata: { a: '1', b: '2' } }])
    const one = await compute.put(`${path}/metadata/c`, { meta: { c: '3' } })
    expect([one.status, one.json()]).toEqual([201, { meta: { c: '3' } }])
    expect((await compute.put(`${path}/metadata/c`, { meta: { d: '3' } })).status).toBe(400)
    expect((await compute.get(`${path}/metadata/c`)).json()).toEqual({ meta: { c: '3' } })
    expect((await compute.remove(`${path}/metadata/a`)).status).toBe(204)
    expect(messageOf(await compute.remove(`${path}/metadata/a`))).toEqual([
      404,
      'itemNotFound',
      'Metadata key not found.',
    ])
    expect((await compute.get(`${path}/metadata`)).json()).toEqual({ metadata: { b: '2', c: '3' } })
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`key${String(index)}`, 'v']))
    expect((await compute.post(`${path}/metadata`, { metadata: many })).status).toBe(400)
    expect((await show(id))['metadata']).toEqual({ b: '2', c: '3' })
  })

  it('has tags, active after a while', async () => {
    const added = await compute.put(`${path}/tags/blue`)
    expect(added.status).toBe(201)
    expect(added.headers.location).toBe(`${cloud.synnefo.url}/compute/v2.0${path}/tags/blue`)
    expect((await compute.put(`${path}/tags/blue`)).status).toBe(204)
    expect((await compute.get(`${path}/tags/blue`)).headers['tag-status']).toBe('PENDADD')
    expect((await show(id))['tags']).toEqual([])
    cloud.clock.advance(2000)
    expect((await show(id))['tags']).toEqual(['blue'])
    const replaced = await compute.put(`${path}/tags`, { tags: ['red', 'green'] })
    expect(replaced.json()).toEqual({ tags: ['red', 'green'], statuses: ['PENDADD', 'PENDADD'] })
    expect((await compute.get(`${path}/tags/blue`)).status).toBe(404)
    expect((await compute.remove(`${path}/tags/red`)).status).toBe(204)
    expect((await compute.remove(`${path}/tags`)).status).toBe(204)
    const none = await compute.remove(`${path}/tags`)
    expect([none.status, none.text]).toEqual([404, ''])
    for (const tag of ['a%2Fb', 'a,b', 'x'.repeat(61)]) {
      expect((await compute.put(`${path}/tags/${tag}`)).status).toBe(400)
    }
  })

  it('has addresses, statistics and attached volumes', async () => {
    const server = await show(id)
    expect((await compute.get(`${path}/ips`)).json()).toEqual({
      addresses: server['addresses'],
      attachments: server['attachments'],
    })
    expect((await compute.get(`${path}/ips/2719`)).json()).toEqual({ network: server['addresses'] })
    expect((await compute.get(`${path}/ips/1`)).status).toBe(404)
    expect((await compute.get(`${path}/stats`)).json()['stats']).toMatchObject({ serverRef: id, refresh: 60 })
    const volume = server['volumes']?.[0]
    expect((await compute.get(`${path}/os-volume_attachments`)).json()).toEqual({
      volumeAttachments: [{ id: volume, volumeId: volume, serverId: id, device: '' }],
    })
    expect((await compute.get(`${path}/os-volume_attachments/1`)).status).toBe(400)
  })

  it('is moved to another project with 200', async () => {
    const project = cloud.synnefo.sharedProjectId
    const answer = await compute.act(id, { reassign: { project } })
    expect([answer.status, answer.text]).toEqual([200, ''])
    expect((await show(id))['tenant_id']).toBe(project)
    expect((await compute.act(id, { reassign: { project: 'none' } })).status).toBe(400)
    await compute.remove(path)
    cloud.clock.advance(ACTION_MS)
  })
})

describe('flavors, images, key pairs', () => {
  it('shows flavors', async () => {
    const flavor = (await compute.get('/flavors/3')).json()['flavor']
    expect(flavor).toMatchObject({
      id: 3,
      name: 'C2R2048D20drbd',
      ram: 2048,
      disk: 20,
      vcpus: 2,
      'os-flavor-access:is_public': true,
      'SNF:disk_template': 'drbd',
      'SNF:volume_type': 1,
      'SNF:allow_create': true,
      'SNF:flavor-access': [],
    })
    expect(messageOf(await compute.get('/flavors/99'))).toEqual([404, 'itemNotFound', 'Flavor not found.'])
    expect((await compute.get('/flavors/x')).status).toBe(400)
    const ids = async (query: string): Promise<unknown[]> =>
      [...((await compute.get(`/flavors${query}`)).json()['flavors'] ?? [])].map((item) => item['id'])
    expect(await ids('?SNF:is_public=false')).toEqual([12])
    expect(await ids(`?SNF:flavor-access=${cloud.synnefo.sharedProjectId}`)).toEqual([12])
    expect(await ids('?SNF:flavor-access=none')).toEqual([])
    expect(await ids('/detail')).toHaveLength(12)
  })

  it('shows images, and changes those of the user', async () => {
    const image = (await compute.get(`/images/${debian()}`)).json()['image']
    expect(image).toMatchObject({ status: 'ACTIVE', progress: 100, public: true, is_snapshot: false })
    expect(image?.['metadata']).toMatchObject({ os: 'debian', users: 'root' })
    expect([...image!['links']!].map((link) => link['rel'])).toEqual(['self', 'bookmark', 'alternate'])
    const own = imageNamed(cloud.synnefo, 'Debian 12 with')
    const changed = await compute.post(`/images/${own}/metadata`, { metadata: { kernel: '6.1' } })
    expect(changed.status).toBe(201)
    expect(changed.json()['metadata']).toMatchObject({ os: 'debian', kernel: '6.1' })
    expect((await compute.remove(`/images/${own}/metadata/kernel`)).status).toBe(204)
    expect((await compute.get(`/images/${own}/metadata/kernel`)).json()).toEqual({ meta: { kernel: '6.1' } })
    expect((await compute.put(`/images/${own}/metadata/kernel`, { meta: { kernel: '6.2' } })).status).toBe(
      201,
    )
    expect((await compute.remove(`/images/${debian()}`)).status).toBe(403)
    expect((await compute.post('/images', {})).status).toBe(501)
    const theirs = computeCalls(cloud.synnefo, cloud.synnefo.other.token)
    expect((await theirs.get(`/images/${own}`)).status).toBe(404)
    expect((await compute.remove(`/images/${own}`)).status).toBe(204)
    expect((await compute.get(`/images/${own}`)).status).toBe(404)
  })

  it('keeps key pairs', async () => {
    const made = await compute.post('/os-keypairs', { keypair: { name: 'laptop' } })
    expect(made.status).toBe(201)
    const pair = made.json()['keypair']
    const publicKey = pair?.['public_key']
    const privateKey = pair?.['private_key']
    expect(text(publicKey)).toMatch(/^ssh-rsa AAAAB3NzaC1yc2E/)
    expect(text(privateKey)).toContain('BEGIN RSA PRIVATE KEY')
    expect(messageOf(await compute.post('/os-keypairs', { keypair: { name: 'laptop' } }))[1]).toBe('conflict')
    const given = await compute.post('/os-keypairs', { keypair: { name: 'desk', public_key: publicKey } })
    expect([given.status, given.json()['keypair']?.['private_key']]).toEqual([201, undefined])
    expect(given.json()['keypair']?.['fingerprint']).toBe(made.json()['keypair']?.['fingerprint'])
    expect(
      (await compute.post('/os-keypairs', { keypair: { name: 'x', public_key: 'ssh-rsa x' } })).status,
    ).toBe(400)
    expect((await compute.get('/os-keypairs/laptop')).json()['keypair']).toMatchObject({ deleted: false })
    const names = [...(await compute.get('/os-keypairs')).json()['keypairs']!]
    expect(names.map((item) => item['keypair']?.['name'])).toEqual(['laptop', 'desk'])
    const id = await create({ key_name: 'desk' })
    expect(await show(id)).toMatchObject({ key_name: 'desk', 'SNF:key_names': ['desk'] })
    expect((await compute.remove('/os-keypairs/laptop')).status).toBe(204)
    expect((await compute.get('/os-keypairs/laptop')).status).toBe(404)
  })
})

describe('quotas', () => {
  it('are charged, moved and given back; the second start can fail', async () => {
    const small = await startCloud({
      clouds: ['synnefo'],
      clock: { manual: true },
      synnefo: { quota: { 'cyclades.vm': 2, 'cyclades.cpu': 1 }, capacity: 2 },
    })
    const { synnefo } = small
    const calls = computeCalls(synnefo)
    const image = imageNamed(synnefo, 'Debian')
    const build = (): Promise<Answer> =>
      calls.post('/servers', { server: { name: 'a', flavorRef: 1, imageRef: image } })
    const quota = async (resource: string): Promise<[unknown, unknown]> => {
      const answer = await call('GET', `${synnefo.url}/account/v1.0/quotas`, { token: synnefo.token })
      const found = answer.json()[synnefo.user.id]?.[resource]
      return [found?.['usage'], found?.['pending']]
    }
    const first = Number((await build()).json()['server']?.['id'])
    expect(await quota('cyclades.vm')).toEqual([1, 1])
    expect(await quota('cyclades.ram')).toEqual([512 * 2 ** 20, 512 * 2 ** 20])
    small.clock.advance(1000)
    expect(await quota('cyclades.vm')).toEqual([1, 0])
    const refused = await build()
    expect(refused.status).toBe(413)
    expect(refused.json()).toEqual({
      overLimit: {
        code: 413,
        message: 'Resource Limit Exceeded for your account.',
        details: "Limit for resource 'CPU' exceeded for your account. Available: 0, Requested: 1",
      },
    })
    small.clock.advance(BUILD_MS)
    await calls.act(first, { shutdown: {} })
    expect(await quota('cyclades.cpu')).toEqual([1, 1])
    small.clock.advance(ACTION_MS)
    expect(await quota('cyclades.cpu')).toEqual([0, 0])
    const second = Number((await build()).json()['server']?.['id'])
    small.clock.advance(BUILD_MS)
    const start = await calls.act(first, { start: {} })
    expect(start.status).toBe(413)
    expect(await quota('cyclades.cpu')).toEqual([1, 0])
    expect((await calls.get(`/servers/${String(first)}`)).json()['server']?.['SNF:task_state']).toBe('')
    expect(messageOf(await build())[1]).toBe('serviceUnavailable')
    for (const id of [first, second]) await calls.remove(`/servers/${String(id)}`)
    expect(await quota('cyclades.vm')).toEqual([2, 2])
    small.clock.advance(ACTION_MS)
    for (const resource of ['cyclades.vm', 'cyclades.cpu', 'cyclades.ram', 'cyclades.disk']) {
      expect([resource, ...(await quota(resource))]).toEqual([resource, 0, 0])
    }
    await small.close()
  })
})

it('runs by itself on a fast clock', async () => {
  const fast = await startCloud({ clouds: ['synnefo'], clock: { speed: 10_000 } })
  const calls = computeCalls(fast.synnefo)
  const image = imageNamed(fast.synnefo, 'Debian')
  const { server } = (
    await calls.post('/servers', { server: { name: 'a', flavorRef: 1, imageRef: image } })
  ).json()
  const deadline = Date.now() + 10_000
  let status: unknown
  while (status !== 'ACTIVE' && Date.now() < deadline) {
    status = (await calls.get(`/servers/${text(server?.['id'])}`)).json()['server']?.['status']
  }
  expect(status).toBe('ACTIVE')
  await fast.close()
})

it('gives the same ids for the same seed', async () => {
  const clouds = await Promise.all([7, 7, 8].map((seed) => startCloud({ clouds: ['synnefo'], seed })))
  const [first, second, third] = clouds.map(({ synnefo }) => [synnefo.user.id, synnefo.token, synnefo.images])
  expect(first).toEqual(second)
  expect(first).not.toEqual(third)
  await Promise.all(clouds.map((each) => each.close()))
})
