import { createPrivateKey, randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import type { ServiceAccountKey } from '../../../src/testing/cloud/index.js'
import { call, text, type Answer } from './calls.js'
import { useStackit } from './stackit-site.js'

const site = useStackit()
const { get, post, put, patch, remove } = site
const advance = (ms: number): void => {
  site.cloud.clock.advance(ms)
}
const list = (answer: Answer, field: string): Readonly<Record<string, unknown>>[] => [
  ...answer.json()[field]!,
]

describe('projects', () => {
  const members = [{ subject: 'jane@example.org', role: 'project.owner' }]
  const make = (more: object = {}): Promise<Answer> =>
    post('resource-manager', '/v2/projects', {
      name: 'p1',
      containerParentId: site.stackit.organizationId,
      members,
      labels: { k: 'v' },
      ...more,
    })

  it('are made, entered, listed and left', async () => {
    const made = await make()
    expect(made.status).toBe(201)
    const { projectId, containerId } = made.json() as unknown as Record<string, string>
    expect(made.json()).toMatchObject({
      name: 'p1',
      lifecycleState: 'CREATING',
      labels: { k: 'v' },
      parent: { id: site.stackit.organizationId, type: 'ORGANIZATION' },
    })
    expect(containerId).toMatch(/^p1-[\da-f]{6}$/)
    const zones = `/v1/projects/${projectId!}/zones`
    expect((await get('dns', zones)).status).toBe(403)
    advance(20_000)
    expect((await get('dns', zones)).status).toBe(200)
    for (const name of [projectId!, containerId!])
      expect((await get('resource-manager', `/v2/projects/${name}`)).json()).toMatchObject({
        lifecycleState: 'ACTIVE',
        projectId,
      })
    const parent = `containerParentId=${site.stackit.organizationId}`
    const found = list(await get('resource-manager', `/v2/projects?${parent}&limit=50`), 'items')
    expect(found.map((one) => one['projectId'])).toContain(projectId)
    expect((await get('resource-manager', '/v2/projects')).status).toBe(400)
    const { parents } = (
      await get('resource-manager', `/v2/projects/${projectId!}?includeParents=true`)
    ).json()
    expect([...parents!]).toMatchObject([{ id: site.stackit.organizationId }])

    const gone = await remove('resource-manager', `/v2/projects/${containerId!}`)
    expect([gone.status, gone.text]).toEqual([202, ''])
    expect((await get('resource-manager', `/v2/projects/${projectId!}`)).json()['lifecycleState']).toBe(
      'DELETING',
    )
    advance(10_000)
    expect((await get('resource-manager', `/v2/projects/${projectId!}`)).status).toBe(403)
    expect((await get('dns', zones)).status).toBe(403)
  })

  it('lie in folders', async () => {
    const sent = { name: 'f1', containerParentId: site.stackit.organizationId }
    const folder = (await post('resource-manager', '/v2/folders', sent)).json()
    const made = (await make({ containerParentId: folder['containerId'] })).json()
    expect(made['parent']).toMatchObject({ id: folder['folderId'], type: 'FOLDER' })
    expect((await remove('resource-manager', `/v2/folders/${text(folder['folderId'])}`)).status).toBe(409)
    expect((await make({ containerParentId: 'nowhere' })).status).toBe(404)
  })
})

it('gives service accounts that can log in', async () => {
  const accounts = '/v2/projects/{project}/service-accounts'
  const made = (await post('service-account', accounts, { name: 'robot' })).json()
  const email = text(made['email'])
  expect(email).toMatch(/^robot-[\da-f]{7}@sa\.stackit\.cloud$/)
  expect(list(await get('service-account', accounts), 'items').map((one) => one['email'])).toContain(email)
  const key = (
    await post('service-account', `${accounts}/${email}/keys`, {})
  ).json() as unknown as ServiceAccountKey
  const logIn = async (): Promise<Answer> => {
    const now = Math.floor(Date.now() / 1000)
    const { iss, sub, aud, kid, privateKey } = key.credentials
    const assertion = await new SignJWT({ iss, sub, aud, jti: randomUUID(), iat: now, exp: now + 60 })
      .setProtectedHeader({ alg: 'RS512', kid })
      .sign(createPrivateKey(privateKey!))
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return call('POST', site.stackit.tokenUrl, { headers, body: new URLSearchParams(form).toString() })
  }
  const token = await logIn()
  expect(token.status).toBe(200)
  expect((await remove('service-account', `${accounts}/${email}`)).status).toBe(200)
  expect((await logIn()).status).toBe(400)
  const headers = { authorization: `Bearer ${text(token.json()['access_token'])}` }
  expect((await call('GET', `${site.stackit.endpoint('iaas')}/v2/keypairs`, { headers })).status).toBe(401)
})

it('keeps zones and record sets to be seen after their deletion', async () => {
  const zones = '/v1/projects/{project}/zones'
  const made = await post('dns', zones, { name: 'z', dnsName: 'example.org' })
  expect([made.status, made.json()['zone']]).toMatchObject([
    202,
    { name: 'z', dnsName: 'example.org', state: 'CREATING' },
  ])
  const zone = `${zones}/${text(made.json()['zone']?.['id'])}`
  const state = async (path: string, field: string): Promise<unknown> =>
    (await get('dns', path)).json()[field]?.['state']
  advance(20_000)
  expect(await state(zone, 'zone')).toBe('CREATE_SUCCEEDED')
  expect((await patch('dns', zone, { description: 'changed' })).json()['zone']).toMatchObject({
    state: 'UPDATING',
    description: 'changed',
  })
  advance(10_000)
  expect(await state(zone, 'zone')).toBe('UPDATE_SUCCEEDED')

  const records = [{ content: '192.0.2.1' }]
  const set = (await post('dns', `${zone}/rrsets`, { name: 'www', type: 'A', records })).json()['rrset']!
  const path = `${zone}/rrsets/${text(set['id'])}`
  advance(20_000)
  await patch('dns', `${path}/records`, { action: 'add', records: [{ content: '192.0.2.2' }] })
  advance(10_000)
  const contents = [...(await get('dns', path)).json()['rrset']!['records']!].map((one) => one['content'])
  expect(contents).toEqual(['192.0.2.1', '192.0.2.2'])
  expect((await get('dns', zone)).json()['zone']?.['recordCount']).toBe(1)

  site.stackit.failNext('dns', 'DeleteRecordSet')
  await remove('dns', path)
  advance(10_000)
  expect(await state(path, 'rrset')).toBe('DELETE_FAILED')
  await remove('dns', path)
  expect(await state(path, 'rrset')).toBe('DELETING')
  advance(10_000)
  expect(await state(path, 'rrset')).toBe('DELETE_SUCCEEDED')
  expect((await remove('dns', path)).status).toBe(400)
  expect(list(await get('dns', `${zones}?dnsName[like]=example`), 'zones')).toHaveLength(1)
  expect(list(await get('dns', `${zones}?dnsName[eq]=example`), 'zones')).toHaveLength(0)
})

it('lets a broker take instances away with 410, and credentials come late', async () => {
  const instances = '~/instances'
  const made = await post('valkey', instances, { instanceName: 'k', planId: randomUUID() })
  expect([made.status, Object.keys(made.json())]).toEqual([202, ['instanceId']])
  const path = `${instances}/${text(made.json()['instanceId'])}`
  const operation = { type: 'create', state: 'in progress', description: '' }
  expect((await get('valkey', path)).json()).toMatchObject({
    name: 'k',
    status: 'creating',
    lastOperation: operation,
  })
  advance(20_000)
  expect((await get('valkey', path)).json()).toMatchObject({
    status: 'active',
    lastOperation: { state: 'succeeded' },
  })
  const credentials = await post('valkey', `${path}/credentials`)
  const one = `${path}/credentials/${text(credentials.json()['id'])}`
  expect((await get('valkey', one)).status).toBe(404)
  advance(2000)
  expect((await get('valkey', one)).json()).toEqual(credentials.json())
  await remove('valkey', path)
  expect((await get('valkey', path)).json()).toMatchObject({
    status: 'deleting',
    lastOperation: { type: 'delete' },
  })
  advance(10_000)
  const gone = await get('valkey', path)
  expect([gone.status, Object.keys(gone.json()).sort()]).toEqual([410, ['description', 'error']])
  expect(list(await get('valkey', instances), 'instances')).toEqual([])
})

it('has buckets at once, and for a moment after their deletion', async () => {
  const bucket = site.path('~/bucket/backups').replace('/projects/', '/project/')
  const made = await post('object-storage', bucket)
  expect([made.status, made.json()]).toEqual([201, { bucket: 'backups', project: site.stackit.projectId }])
  expect((await get('object-storage', bucket)).json()['bucket']).toMatchObject({
    name: 'backups',
    region: 'eu01',
  })
  expect((await post('object-storage', bucket)).status).toBe(409)
  const buckets = await get('object-storage', bucket.replace('bucket/backups', 'buckets'))
  expect(list(buckets, 'buckets')).toMatchObject([{ name: 'backups' }])
  const retention = `${bucket}/default-retention`
  expect((await get('object-storage', retention)).status).toBe(404)
  await put('object-storage', retention, { days: 3, mode: 'COMPLIANCE' })
  expect((await get('object-storage', retention)).json()).toMatchObject({ bucket: 'backups', days: 3 })
  expect((await remove('object-storage', bucket)).status).toBe(200)
  expect((await get('object-storage', bucket)).status).toBe(200)
  advance(10_000)
  const gone = await get('object-storage', bucket)
  expect([gone.status, list(gone, 'detail')]).toMatchObject([404, [{ msg: expect.any(String) as string }]])
})

it('takes clusters through a bad moment, and out of the list first', async () => {
  const cluster = '~/clusters/c1'
  const pool = {
    name: 'pool',
    machine: { type: 'g2i.2', image: { name: 'flatcar', version: '1.0.0' } },
    minimum: 1,
    maximum: 2,
    volume: { size: 20 },
    availabilityZones: ['eu01-1'],
  }
  const made = await put('ske', cluster, { kubernetes: { version: '1.31.4' }, nodepools: [pool] })
  expect([made.status, made.json()['status']?.['aggregated']]).toEqual([202, 'STATE_CREATING'])
  const state = async (): Promise<unknown> => (await get('ske', cluster)).json()['status']?.['aggregated']
  advance(10_000)
  expect(await state()).toBe('STATE_UNHEALTHY')
  advance(10_000)
  expect(await state()).toBe('STATE_HEALTHY')
  const orders: [string, string, string][] = [
    ['hibernate', 'STATE_HIBERNATING', 'STATE_HIBERNATED'],
    ['wakeup', 'STATE_WAKINGUP', 'STATE_HEALTHY'],
    ['maintenance', 'STATE_RECONCILING', 'STATE_HEALTHY'],
  ]
  for (const [order, through, to] of orders) {
    expect((await post('ske', `${cluster}/${order}`)).status).toBe(202)
    expect(await state()).toBe(through)
    advance(10_000)
    expect(await state()).toBe(to)
  }
  expect((await post('ske', `${cluster}/complete-credentials-rotation`)).status).toBe(409)
  await post('ske', `${cluster}/start-credentials-rotation`)
  advance(10_000)
  const { status } = (await get('ske', cluster)).json()
  expect(status).toMatchObject({ aggregated: 'STATE_HEALTHY', credentialsRotation: { phase: 'PREPARED' } })
  await remove('ske', cluster)
  expect(list(await get('ske', '~/clusters'), 'items')).toHaveLength(1)
  advance(10_000)
  expect(list(await get('ske', '~/clusters'), 'items')).toHaveLength(0)
  expect(await state()).toBe('STATE_DELETING')
  advance(10_000)
  expect((await get('ske', cluster)).status).toBe(404)
})

it('encrypts, signs and turns versions of keys', async () => {
  const region = site.path('~').replace('/v2/', '/v1/')
  const ring = (await post('kms', `${region}/keyrings`, { displayName: 'ring' })).json()
  advance(20_000)
  const keys = `${region}/keyrings/${text(ring['id'])}/keys`
  const sent = {
    displayName: 'key',
    protection: 'software',
    purpose: 'symmetric_encrypt_decrypt',
    algorithm: 'aes_256_gcm',
  }
  const key = (await post('kms', keys, sent)).json()
  advance(20_000)
  const version = `${keys}/${text(key['id'])}/versions/1`
  const data = Buffer.from('secret').toString('base64')
  const encrypted = (await post('kms', `${version}/encrypt`, { data })).json()
  expect(encrypted['data']).not.toBe(data)
  expect((await post('kms', `${version}/decrypt`, encrypted)).json()).toEqual({ data })
  const signed = (await post('kms', `${version}/sign`, { data })).json()
  expect((await post('kms', `${version}/verify`, signed)).json()).toEqual({ valid: true })
  await post('kms', `${version}/disable`)
  advance(10_000)
  expect((await get('kms', version)).json()).toMatchObject({ number: 1, state: 'disabled', disabled: true })
  expect((await post('kms', `${version}/encrypt`, { data })).status).toBe(409)
  expect((await post('kms', `${keys}/${text(key['id'])}/rotate`)).json()).toMatchObject({
    number: 2,
    state: 'creating',
  })
})

it('keeps databases, users and clones', async () => {
  const instances = site.path('~/instances').replace('/v2/', '/v3/')
  const sent = {
    name: 'data',
    flavorId: '2.4',
    version: '17',
    backupSchedule: '0 4 * * *',
    retentionDays: 32,
    storage: { class: 'premium-perf2-stackit', size: 5 },
    network: { acl: ['192.0.2.0/24'], accessScope: 'PUBLIC' },
  }
  const made = await post('postgres-flex', instances, sent)
  expect([made.status, Object.keys(made.json())]).toEqual([202, ['id']])
  const path = `${instances}/${text(made.json()['id'])}`
  expect((await get('postgres-flex', path)).json()).toMatchObject({
    name: 'data',
    retentionDays: 32,
    state: 'PENDING',
  })
  advance(20_000)
  expect((await get('postgres-flex', path)).json()).toMatchObject({
    state: 'READY',
    network: { acl: ['192.0.2.0/24'] },
  })
  const user = await post('postgres-flex', `${path}/users`, { name: 'jane', roles: ['login'] })
  expect(user.json()).toMatchObject({ name: 'jane', password: expect.any(String) as string })
  expect((await get('postgres-flex', `${path}/users/${text(user.json()['id'])}`)).json()).not.toHaveProperty(
    'password',
  )
  await remove('postgres-flex', path)
  advance(10_000)
  const gone = await get('postgres-flex', path)
  expect(gone.status).toBe(404)
  expect(Object.keys(gone.json())).toEqual(expect.arrayContaining(['code', 'message', 'traceId', 'type']))
  expect(gone.json()['traceId']).toBe(gone.headers['x-trace-id'])
})

it('keeps secrets, with those who may read them', async () => {
  const instances = '/v1/projects/{project}/instances'
  const made = (await post('secrets-manager', instances, { name: 'vault' })).json()
  const path = `${instances}/${text(made['id'])}`
  expect((await get('secrets-manager', path)).json()).toEqual(made)
  const user = (await post('secrets-manager', `${path}/users`, { description: 'robot', write: true })).json()
  expect(user).toMatchObject({ description: 'robot', write: true })
  expect(list(await get('secrets-manager', `${path}/users`), 'users')).toHaveLength(1)
  await put('secrets-manager', `${path}/users/${text(user['id'])}`, { write: false })
  expect((await get('secrets-manager', `${path}/users/${text(user['id'])}`)).json()['write']).toBe(false)
  const acl = (await post('secrets-manager', `${path}/acls`, { cidr: '192.0.2.0/24' })).json()
  expect(list(await get('secrets-manager', `${path}/acls`), 'acls')).toEqual([acl])
  expect((await remove('secrets-manager', path)).status).toBe(204)
  expect((await get('secrets-manager', `${path}/acls`)).status).toBe(404)
})

it('finds an edge instance by both its names', async () => {
  const region = site.path('~').replace('/v2/', '/v1beta1/')
  const sent = { displayName: 'edge', planId: randomUUID() }
  const made = (await post('edge', `${region}/instances`, sent)).json()
  expect((await post('edge', `${region}/instances`, sent)).status).toBe(409)
  expect((await get('edge', `${region}/instancesbyname/edge`)).json()).toEqual(made)
  expect((await get('edge', `${region}/instancesbyname/edge/token`)).status).toBe(404)
  advance(20_000)
  expect((await get('edge', `${region}/instancesbyname/edge/token`)).status).toBe(200)
  expect((await remove('edge', `${region}/instancesbyname/edge`)).status).toBe(204)
  advance(10_000)
  expect((await get('edge', `${region}/instances/${text(made['id'])}`)).status).toBe(404)
})

it('knows who may do what', async () => {
  const { projectId } = site.stackit
  const members = [{ subject: 'jane@example.org', role: 'project.owner' }]
  const added = await patch('authorization', `/v2/${projectId}/members`, { resourceType: 'project', members })
  expect(added.json()).toMatchObject({ resourceId: projectId, members })
  const found = (await get('authorization', '/v2/users/jane@example.org/memberships')).json()
  expect([...found['items']!]).toMatchObject([{ resourceId: projectId, role: 'project.owner' }])
  await post('authorization', `/v2/${projectId}/members/remove`, { resourceType: 'project', members })
  expect(list(await get('authorization', `/v2/project/${projectId}/members`), 'members')).toEqual([])
})

it('switches services on and off, and runs commands', async () => {
  const service = '~/services/cloud.stackit.sample'
  expect((await get('service-enablement', service)).json()['state']).toBe('DISABLED')
  expect((await post('service-enablement', service)).status).toBe(202)
  expect((await get('service-enablement', service)).json()['state']).toBe('ENABLING')
  advance(10_000)
  expect((await get('service-enablement', service)).json()['state']).toBe('ENABLED')

  const commands = `~/servers/${randomUUID()}/commands`
  const made = await post('run-command', commands, {
    commandTemplateName: 'RunShellScript',
    parameters: { script: 'id' },
  })
  const path = `${commands}/${text(made.json()['id'])}`
  const seen: unknown[] = []
  for (let step = 0; step < 3; step += 1) {
    seen.push((await get('run-command', path)).json()['status'])
    advance(10_000)
  }
  expect(seen).toEqual(['pending', 'running', 'completed'])
  expect((await get('run-command', path)).json()).toMatchObject({ exitCode: 0, script: 'id' })
})
