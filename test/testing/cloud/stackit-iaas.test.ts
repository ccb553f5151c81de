import { describe, expect, it } from 'vitest'
import { call, text, type Answer } from './calls.js'
import { useStackit } from './stackit-site.js'

const site = useStackit()
const { get, post, put, patch, remove } = site
const idOf = (answer: Answer): string => text(answer.json()['id'])
const advance = (ms: number): void => {
  site.cloud.clock.advance(ms)
}
const status = async (path: string): Promise<unknown> => (await get('iaas', path)).json()['status']

async function network(): Promise<string> {
  const id = idOf(await post('iaas', '~/networks', { name: 'net', ipv4: { prefix: '10.1.2.0/24' } }))
  advance(20_000)
  return id
}
async function volume(size = 5): Promise<string> {
  const id = idOf(await post('iaas', '~/volumes', { availabilityZone: 'eu01-1', name: 'data', size }))
  advance(20_000)
  return id
}
async function server(networkId: string): Promise<string> {
  const made = await post('iaas', '~/servers', {
    name: 'vm1',
    machineType: 'g2i.1',
    networking: { networkId },
    labels: { tier: 'web' },
    bootVolume: {
      size: 10,
      source: { type: 'image', id: '7a1f0c1e-6a1c-4a53-9d4b-0f3c1f6f2a01' },
      deleteOnTermination: true,
    },
  })
  expect(made.status).toBe(201)
  expect(made.json()).toMatchObject({
    name: 'vm1',
    status: 'CREATING',
    powerStatus: 'STOPPED',
    labels: { tier: 'web' },
  })
  return idOf(made)
}

describe('a server', () => {
  it('is built on its network, from its volume', async () => {
    const net = await network()
    const id = await server(net)
    expect(await status(`~/servers/${id}`)).toBe('CREATING')
    advance(19_999)
    expect(await status(`~/servers/${id}`)).toBe('CREATING')
    advance(1)
    const plain = (await get('iaas', `~/servers/${id}`)).json()
    expect(plain).toMatchObject({ status: 'ACTIVE', powerStatus: 'RUNNING', machineType: 'g2i.1' })
    expect(plain).not.toHaveProperty('nics')
    const whole = (await get('iaas', `~/servers/${id}?details=true`)).json()
    expect(whole['nics']?.[0]).toMatchObject({ networkId: net, networkName: 'net' })
    expect(text(whole['nics']?.[0]?.['ipv4'])).toMatch(/^10\.1\.2\.\d+$/)
    const boot = text(whole['bootVolume']?.['id'])
    expect([...whole['volumes']!]).toEqual([boot])
    expect((await get('iaas', `~/volumes/${boot}`)).json()).toMatchObject({
      serverId: id,
      status: 'ATTACHED',
      size: 10,
    })

    expect((await remove('iaas', `~/networks/${net}`)).status).toBe(409)
    expect((await remove('iaas', `~/servers/${id}`)).status).toBe(204)
    expect(await status(`~/servers/${id}`)).toBe('DELETING')
    advance(10_000)
    const gone = await get('iaas', `~/servers/${id}`)
    expect([gone.status, gone.json()]).toEqual([
      404,
      { code: 404, msg: expect.stringContaining('was not found') as string },
    ])
    expect((await get('iaas', `~/volumes/${boot}`)).status).toBe(404)
    expect((await remove('iaas', `~/networks/${net}`)).status).toBe(202)
  })

  it('takes orders that fit its state', async () => {
    const id = await server(await network())
    expect((await post('iaas', `~/servers/${id}/start`)).status).toBe(409)
    advance(20_000)
    const walks: [string, unknown, string, string][] = [
      ['stop', undefined, 'STOPPING', 'INACTIVE'],
      ['start', undefined, 'STARTING', 'ACTIVE'],
      ['reboot?action=hard', undefined, 'REBOOTING', 'ACTIVE'],
      ['rescue', { image: '7a1f0c1e-6a1c-4a53-9d4b-0f3c1f6f2a01' }, 'RESCUING', 'RESCUE'],
      ['unrescue', undefined, 'UNRESCUING', 'ACTIVE'],
      ['deallocate', undefined, 'DEALLOCATING', 'DEALLOCATED'],
      ['start', undefined, 'STARTING', 'ACTIVE'],
    ]
    for (const [order, body, through, to] of walks) {
      const answer = await post('iaas', `~/servers/${id}/${order}`, body)
      expect([order, answer.status, answer.text]).toEqual([order, 202, ''])
      expect(await status(`~/servers/${id}`)).toBe(through)
      advance(10_000)
      expect(await status(`~/servers/${id}`)).toBe(to)
    }
  })

  it('is RESIZING until somebody has seen it', async () => {
    const id = await server(await network())
    advance(20_000)
    await post('iaas', `~/servers/${id}/resize`, { machineType: 'g2i.2' })
    advance(100_000)
    expect(await status(`~/servers/${id}`)).toBe('RESIZING')
    advance(10_000)
    expect((await get('iaas', `~/servers/${id}`)).json()).toMatchObject({
      status: 'ACTIVE',
      machineType: 'g2i.2',
    })
  })

  it('can fail, and says why', async () => {
    const net = await network()
    site.stackit.failNext('iaas', 'CreateServer', { message: 'No host has room' })
    const id = await server(net)
    advance(20_000)
    expect((await get('iaas', `~/servers/${id}`)).json()).toMatchObject({
      status: 'ERROR',
      errorMessage: 'No host has room',
    })
    expect((await get('iaas', `~/servers/${await server(net)}`)).json()['status']).toBe('CREATING')
  })

  it('gets volumes, which are to be seen when they are there', async () => {
    const id = await server(await network())
    const disk = await volume()
    advance(20_000)
    const path = `~/servers/${id}/volume-attachments/${disk}`
    const attached = await put('iaas', path, {})
    expect([attached.status, attached.json()]).toEqual([202, { serverId: id, volumeId: disk }])
    expect((await get('iaas', path)).status).toBe(404)
    expect(await status(`~/volumes/${disk}`)).toBe('ATTACHING')
    advance(2000)
    expect((await get('iaas', path)).json()).toMatchObject({ volumeId: disk })
    expect((await remove('iaas', `~/volumes/${disk}`)).status).toBe(409)
    expect((await put('iaas', path, {})).status).toBe(409)
    await remove('iaas', path)
    expect((await get('iaas', path)).status).toBe(200)
    advance(10_000)
    expect((await get('iaas', path)).status).toBe(404)
    expect(await status(`~/volumes/${disk}`)).toBe('AVAILABLE')
    expect((await remove('iaas', `~/volumes/${disk}`)).status).toBe(204)
  })

  it('gets a public address', async () => {
    const id = await server(await network())
    const address = (await post('iaas', '~/public-ips', {})).json()
    expect((await put('iaas', `~/servers/${id}/public-ips/${text(address['id'])}`)).status).toBe(202)
    const whole = (await get('iaas', `~/servers/${id}?details=true`)).json()
    expect(whole['nics']?.[0]?.['publicIp']).toBe(address['ip'])
    expect(text(address['ip'])).toMatch(/^198\.1[89]\./)
  })
})

describe('requests', () => {
  const request = (answer: Answer): string => `~/requests/${String(answer.headers['x-request-id'])}`

  it('stand behind every change', async () => {
    const made = await post('iaas', '~/networks', { name: 'net' })
    expect((await get('iaas', request(made))).json()).toMatchObject({
      requestId: made.headers['x-request-id'],
      requestType: 'NETWORK',
      requestAction: 'CREATE',
      status: 'CREATING',
      resources: [{ id: idOf(made), type: 'NETWORK', status: 'CREATING' }],
    })
    advance(20_000)
    expect(await status(request(made))).toBe('CREATED')
    const gone = await remove('iaas', `~/networks/${idOf(made)}`)
    expect((await get('iaas', request(gone))).json()).toMatchObject({
      requestAction: 'DELETE',
      status: 'DELETING',
    })
    advance(10_000)
    expect(await status(request(gone))).toBe('DELETED')
    expect((await get('iaas', '~/networks')).headers).not.toHaveProperty('x-request-id')
  })
})

describe('an image', () => {
  async function image(): Promise<{ readonly id: string; readonly url: string }> {
    const made = await post('iaas', '~/images', { name: 'own', diskFormat: 'raw' })
    expect([made.status, Object.keys(made.json()).sort()]).toEqual([201, ['id', 'uploadUrl']])
    return { id: idOf(made), url: text(made.json()['uploadUrl']) }
  }

  it('is there when its content has come and was imported', async () => {
    const { id, url } = await image()
    expect(url.startsWith(`${site.stackit.url}/`)).toBe(true)
    advance(100_000)
    expect((await get('iaas', `~/images/${id}`)).json()).toMatchObject({
      status: 'CREATING',
      importProgress: 0,
    })
    const sent = await call('PUT', url, {
      body: 'raw content',
      headers: { 'content-type': 'application/octet-stream' },
    })
    expect([sent.status, sent.text]).toEqual([200, ''])
    const seen: unknown[] = []
    for (let step = 0; step < 5; step += 1) {
      const { status: state, importProgress } = (await get('iaas', `~/images/${id}`)).json() as Record<
        string,
        unknown
      >
      seen.push([state, importProgress])
      advance(5000)
    }
    expect(seen).toEqual([
      ['CREATING', 0],
      ['CREATING', 25],
      ['CREATING', 50],
      ['CREATING', 75],
      ['AVAILABLE', 100],
    ])
    expect((await get('iaas', `~/images/${id}`)).json()).toMatchObject({
      size: 11,
      checksum: { algorithm: 'sha512' },
    })
    expect((await call('PUT', url, { body: 'again' })).status).toBe(403)
  })

  it('takes no content with a token, or of unknown length', async () => {
    const { url } = await image()
    expect((await call('PUT', url, { body: 'x', headers: { authorization: 'Bearer x' } })).status).toBe(400)
    async function* pieces(): AsyncGenerator<Buffer> {
      yield Buffer.from('x')
    }
    expect((await call('PUT', url, { body: pieces() as never })).status).toBe(411)
    expect((await call('PUT', url, { body: 'x' })).status).toBe(200)
  })
})

it('keeps what was sent, changes it and forgets labels that become null', async () => {
  const id = await volume()
  const labels = { a: '1', b: '2' }
  await patch('iaas', `~/volumes/${id}`, { name: 'renamed', labels })
  expect((await get('iaas', `~/volumes/${id}`)).json()).toMatchObject({ name: 'renamed', size: 5, labels })
  await patch('iaas', `~/volumes/${id}`, { labels: { a: null } })
  expect((await get('iaas', `~/volumes/${id}`)).json()['labels']).toEqual({ b: '2' })
  expect([...(await get('iaas', '~/volumes?label_selector=b%3D2')).json()['items']!]).toHaveLength(1)
  expect([...(await get('iaas', '~/volumes?label_selector=b%3D3')).json()['items']!]).toHaveLength(0)
  expect((await post('iaas', `~/volumes/${id}/resize`, { size: 4 })).status).toBe(400)
  await post('iaas', `~/volumes/${id}/resize`, { size: 9 })
  expect(await status(`~/volumes/${id}`)).toBe('RESIZING')
  advance(10_000)
  expect((await get('iaas', `~/volumes/${id}`)).json()).toMatchObject({ size: 9, status: 'AVAILABLE' })
})

it('says 400 of a region that an area has no more', async () => {
  const areas = '/v2/organizations/{organization}/network-areas'
  const area = idOf(await post('iaas', areas, { name: 'area' }))
  const region = `${areas}/${area}/regions/eu01`
  const lengths = { defaultPrefixLen: 25, minPrefixLen: 24, maxPrefixLen: 29 }
  const ipv4 = { transferNetwork: '10.9.0.0/24', networkRanges: [{ prefix: '10.8.0.0/16' }], ...lengths }
  expect((await get('iaas', region)).status).toBe(404)
  expect((await put('iaas', region, { ipv4 })).status).toBe(202)
  advance(20_000)
  expect((await get('iaas', areas.concat(`/${area}/regions`))).json()['regions']).toHaveProperty('eu01')
  expect([...(await get('iaas', `${region}/network-ranges`)).json()['items']!][0]).toMatchObject({
    prefix: '10.8.0.0/16',
  })
  await remove('iaas', region)
  advance(10_000)
  expect((await get('iaas', region)).status).toBe(400)
})

it('has limits if it is told to', async () => {
  const count = [...(await get('iaas', '~/volumes')).json()['items']!].length
  site.stackit.setLimit('iaas', 'volumes', count + 1)
  const sent = { availabilityZone: 'eu01-1', size: 1 }
  expect((await post('iaas', '~/volumes', sent)).status).toBe(201)
  expect((await post('iaas', '~/volumes', sent)).json()).toEqual({
    code: 409,
    msg: 'The quota for volumes is used up',
  })
})
