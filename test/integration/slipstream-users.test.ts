import { inspect } from 'node:util'
import { firstValueFrom, take } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { TrafficEvent } from '../../src/http/types.js'
import {
  AuthenticationError,
  ConflictError,
  NotFoundError,
  PermissionError,
  type HttpError,
} from '../../src/errors.js'
import { done, errorOf, listOf, slipstreamSite } from './slipstream-site.js'

const site = slipstreamSite()
const bean = {
  name: 'bean',
  password: 'p4ss "of" <bean>',
  email: 'bean@example.org',
  firstName: 'Bean',
  lastName: 'O’Neil & Sons',
}

describe('users', () => {
  it('see themselves, and not each other', async () => {
    const { users } = site.clientOf()
    const own = await firstValueFrom(users.get())
    expect(own).toMatchObject({
      name: 'jane',
      email: 'jane@example.org',
      firstName: 'Jane',
      lastName: 'Example',
      organization: 'Example',
      roles: ['tester'],
      issuper: false,
      online: true,
      state: 'ACTIVE',
      defaultCloud: 'exoscale-ch-gva',
      keepRunning: 'on-success',
      executionTimeout: 30,
      logVerbosity: 1,
      usageEmail: 'never',
      configuredClouds: ['exoscale-ch-gva', 'ec2-eu-west'],
    })
    expect(own.sshPublicKeys).toHaveLength(1)
    expect(own.activeSince).toMatch(/ UTC$/)
    expect(await firstValueFrom(users.get('jane'))).toMatchObject({ name: 'jane' })
    expect(inspect(own) + JSON.stringify(own)).not.toContain('cloud-secret')
    expect(await errorOf(users.get('bob'))).toBeInstanceOf(PermissionError)
    expect(await errorOf(users.list())).toBeInstanceOf(PermissionError)
  })

  it('are all seen by who is privileged', async () => {
    const { users } = site.privilegedClient()
    const all = await listOf(users.list())
    expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining(['jane', 'bob', 'super']))
    expect(all.find(({ name }) => name === 'super')).toMatchObject({ issuper: true, roles: [] })
    expect(all.find(({ name }) => name === 'bob')).toMatchObject({ issuper: false, roles: ['tester'] })
    expect(await firstValueFrom(users.get('bob'))).toMatchObject({ name: 'bob' })
    expect(await errorOf(users.get('nobody'))).toBeInstanceOf(NotFoundError)
  })

  it('are created with numbers, booleans and lists (defect 1), once, and log in', async () => {
    const { users } = site.privilegedClient()
    await done(
      users.create({
        ...bean,
        roles: ['a', 'b'],
        executionTimeout: 45,
        logVerbosity: 3,
        keepRunning: 'always',
        usageEmail: 'daily',
        sshPublicKeys: ['ssh-rsa AAAA one', 'ssh-rsa BBBB two'],
        cloudParameters: { 'ec2-eu-west': { username: 'key', password: 'clouds & secrets' } },
      }),
    )
    const { name, password } = bean
    const made = await firstValueFrom(site.clientOf({ username: name, password }).users.get())
    expect(made).toMatchObject({
      name: 'bean',
      lastName: 'O’Neil & Sons',
      roles: ['a', 'b'],
      issuper: false,
      executionTimeout: 45,
      logVerbosity: 3,
      keepRunning: 'always',
      usageEmail: 'daily',
      sshPublicKeys: ['ssh-rsa AAAA one', 'ssh-rsa BBBB two'],
      configuredClouds: ['ec2-eu-west'],
    })

    const again = await errorOf(users.create({ ...bean, firstName: 'Other' }))
    expect(again).toBeInstanceOf(PermissionError)
    expect(inspect(again, { depth: 9 }) + JSON.stringify(again)).not.toContain(bean.password)
    expect(await firstValueFrom(users.get('bean'))).toMatchObject({ firstName: 'Bean' })
    await done(users.create({ ...bean, firstName: 'Other' }, { overwrite: true }))
    const replaced = await firstValueFrom(users.get('bean'))
    expect(replaced).toMatchObject({ firstName: 'Other', executionTimeout: 30, keepRunning: 'never' })
    expect(replaced.configuredClouds).toEqual([])
  })

  it('change what they want to (defect 1), and keep the rest, their password among it', async () => {
    const client = site.otherClient()
    const before = await firstValueFrom(client.users.get())
    await done(client.users.update(undefined, { executionTimeout: 45, firstName: 'Robert' }))
    const after = await firstValueFrom(client.users.get())
    expect(after).toEqual({
      ...before,
      firstName: 'Robert',
      executionTimeout: 45,
      lastOnline: after.lastOnline,
    })
    await done(client.users.update('bob', { password: 'an0ther-secret' }))
    const { users } = site.clientOf({ username: 'bob', password: 'an0ther-secret' })
    expect(await firstValueFrom(users.get())).toMatchObject({ name: 'bob' })
    expect(await errorOf(site.otherClient().users.get())).toBeInstanceOf(AuthenticationError)
    await done(users.update('bob', { password: site.slipstream.otherUser.password }))
  })

  it('do not give themselves roles, or rights over others', async () => {
    const { users } = site.clientOf()
    for (const changes of [{ roles: ['boss'] }, { issuper: true }]) {
      expect(await errorOf(users.update(undefined, changes))).toBeInstanceOf(PermissionError)
    }
    expect(await errorOf(users.update('bob', { firstName: 'x' }))).toBeInstanceOf(PermissionError)
    const email = await errorOf(users.update(undefined, { email: 'nowhere' }))
    expect(email).toBeInstanceOf(ConflictError)
    expect((email as HttpError).reason).toBe('Invalid email address')
    expect(await firstValueFrom(users.get())).toMatchObject({ issuper: false, email: 'jane@example.org' })
  })

  it('keep their roles when somebody privileged changes something else', async () => {
    const { users } = site.privilegedClient()
    await done(users.update('jane', { organization: 'Streams' }))
    expect(await firstValueFrom(users.get('jane'))).toMatchObject({
      organization: 'Streams',
      roles: ['tester'],
    })
    await done(users.update('jane', { roles: ['tester', 'boss'], defaultCloud: 'ec2-eu-west' }))
    expect(await firstValueFrom(site.clientOf().users.get())).toMatchObject({
      roles: ['tester', 'boss'],
      defaultCloud: 'ec2-eu-west',
    })
  })

  it('show no password and no credential of a cloud in the traffic', async () => {
    const client = site.privilegedClient()
    const traffic: TrafficEvent[] = []
    client.traffic.subscribe((event) => traffic.push(event))
    const cloudParameters = { c1: { username: 'u', secret: 'cl0ud-s3cret' } }
    await done(client.users.create({ ...bean, name: 'quiet', password: 'qu1et-pass', cloudParameters }))
    await done(client.users.update('quiet', { password: 'qu1eter-pass' }))
    await done(client.users.get('quiet'))
    const shown = inspect(traffic, { depth: 9 }) + JSON.stringify(traffic)
    expect(shown).toContain('slipstream.users.create')
    for (const secret of ['qu1et-pass', 'qu1eter-pass', 'cl0ud-s3cret', 'token=']) {
      expect(shown).not.toContain(secret)
    }
  })
})

describe('virtual machines', () => {
  it('are those of deployments, and those started by other means', async () => {
    const { runs, addForeignMachine } = site.slipstream
    const farm = { module: 'examples/tutorials/web-farm', cloud: 'exoscale-ch-gva' }
    const [first = ''] = runs.create({ owner: 'jane', ...farm })
    runs.create({ owner: 'jane', count: 4, cloud: 'ec2-eu-west' })
    runs.create({ owner: 'bob' })
    addForeignMachine('jane', 'ec2-eu-west')
    const { virtualMachines } = site.clientOf()

    const sent = site.requestsFromNow({ path: '/vms' })
    const all = await listOf(virtualMachines.list({ pageSize: 3 }))
    expect(sent().length).toBe(Math.ceil(all.length / 3))
    expect(sent()[0]?.search).toBe('offset=0&limit=3&runUuid=&cloud=')
    expect(all.every(({ user }) => user === 'jane')).toBe(true)
    expect(await listOf(virtualMachines.list({ pageSize: 3 }).pipe(take(2)))).toHaveLength(2)

    const ofRun = await listOf(virtualMachines.list({ deploymentId: first }))
    expect(ofRun.map(({ nodeName, nodeInstanceId }) => [nodeName, nodeInstanceId])).toEqual(
      expect.arrayContaining([
        ['apache', 1],
        ['worker', 1],
        ['worker', 2],
      ]),
    )
    expect(ofRun.find(({ nodeName }) => nodeName === 'apache')).toMatchObject({
      state: 'Running',
      isUsable: true,
      cpu: 2,
      ram: 4096,
      runUuid: first,
      runOwner: 'jane',
      instanceType: 'Small',
    })
    const there = await listOf(virtualMachines.list({ cloud: 'ec2-eu-west' }))
    expect(there).toHaveLength(5)
    expect(there.filter((machine) => !('runUuid' in machine))).toHaveLength(1)
    expect(await listOf(virtualMachines.list({ cloud: 'ec2-eu-west', offset: 4 }))).toHaveLength(1)
  })
})

describe('usage', () => {
  it('is told for each cloud, and for all of them last', async () => {
    const rows = await listOf(site.clientOf().usage.list())
    expect(rows.map(({ cloud }) => cloud)).toEqual(['exoscale-ch-gva', 'ec2-eu-west', 'All Clouds'])
    expect(rows[1]).toEqual({
      cloud: 'ec2-eu-west',
      vmQuota: 1000,
      userRunUsage: 4,
      userVmUsage: 4,
      userInactiveVmUsage: 0,
      othersVmUsage: 0,
      pendingVmUsage: 0,
      unknownVmUsage: 1,
    })
    expect(rows[2]?.userRunUsage).toBe(5)
  })

  it('is told also by servers that tell less of it (defect 8)', async () => {
    const body =
      '<dashboard><clouds/><cloudUsages><cloudUsage cloud="c1" vmQuota="20" userRunUsage="1"/></cloudUsages></dashboard>'
    const fault = { kind: 'status', status: 200, body, contentType: 'application/xml' } as const
    site.cloud.faults.add({ path: '/dashboard', fault })
    expect(await listOf(site.clientOf().usage.list())).toEqual([
      { cloud: 'c1', vmQuota: 20, userRunUsage: 1 },
    ])
  })
})
