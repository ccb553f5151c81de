import { writeFileSync } from 'node:fs'
import { lastValueFrom } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSwift, type SwiftClient, type SwiftConfig } from '../../src/clients/synnefo/swift.js'
import { memorySink } from '../../src/index.js'
import { startCloud, type EmbeddedCloud } from '../../src/testing/cloud/index.js'
import { useFolder } from '../streams/folder.js'

const path = useFolder()
let cloud: EmbeddedCloud
let clients: SwiftClient[] = []
beforeEach(async () => {
  cloud = await startCloud({ clouds: ['openstack'] })
})
afterEach(async () => {
  for (const client of clients) client.close()
  clients = []
  await cloud.close()
})

function connect(config: SwiftConfig): SwiftClient {
  const client = createSwift(config)
  clients.push(client)
  return client
}
function byPassword(more: SwiftConfig = {}): SwiftClient {
  const { authUrl, username, password, projectName, userDomainName, projectDomainName, region } =
    cloud.openstack.keystone
  const who = { authUrl, username, password, projectName, userDomainName, projectDomainName }
  return connect({ ...who, region, ...more })
}
async function roundTrip({ storage }: SwiftClient): Promise<string> {
  await lastValueFrom(storage.containers.create('c'))
  await lastValueFrom(storage.upload(Buffer.from('there and back'), 'c/a'))
  const sink = memorySink()
  await lastValueFrom(storage.download('c/a', sink))
  return Buffer.from(sink.bytes).toString()
}
const storePaths = (): string[] => cloud.requests({ path: /\/v1\// }).map((request) => request.path)

describe('a store behind Keystone', () => {
  it('is found in the catalogue of a password sign-in', async () => {
    const client = byPassword()
    expect(await roundTrip(client)).toBe('there and back')
    const { user, project } = await lastValueFrom(client.identity.validate())
    expect(user.name).toBe(cloud.openstack.keystone.username)
    expect(project?.name).toBe(cloud.openstack.keystone.projectName)
    expect(cloud.requests({ method: 'POST', path: '/v3/auth/tokens' })).toHaveLength(1)
  })

  it('is found with an application credential', async () => {
    const { authUrl, applicationCredential, region } = cloud.openstack.keystone
    const client = connect({ authUrl, applicationCredential, region })
    expect(await roundTrip(client)).toBe('there and back')
  })

  it('is found by clouds.yaml', async () => {
    const { authUrl, username, password, projectName, userDomainName, projectDomainName, region } =
      cloud.openstack.keystone
    const auth = {
      auth_url: authUrl,
      username,
      password,
      project_name: projectName,
      user_domain_name: userDomainName,
      project_domain_name: projectDomainName,
    }
    const clouds = { clouds: { test: { auth, region_name: region } } }
    writeFileSync(path('clouds.yaml'), JSON.stringify(clouds))
    const { readFile } = await import('node:fs/promises')
    const client = connect({
      cloud: 'test',
      credentialSources: {
        env: { OS_CLIENT_CONFIG_FILE: path('clouds.yaml') },
        home: path('home'),
        folder: path(),
        readFile: (name) => readFile(name, 'utf8'),
      },
    })
    expect(await roundTrip(client)).toBe('there and back')
  })

  it('is that of the region, and of the interface', async () => {
    const [first = '', second = ''] = cloud.openstack.keystone.regions
    await roundTrip(byPassword({ region: first }))
    const other = byPassword({ region: second, interface: 'internal' })
    await expect(lastValueFrom(other.storage.info('c/a'))).rejects.toMatchObject({ status: 404 })
    expect(storePaths().at(-1)).toMatch(/\/internal\/v1\//)
    const unknown = byPassword({ region: 'Nowhere' })
    await expect(lastValueFrom(unknown.storage.features())).rejects.toThrow(new RegExp(first))
  })

  it('goes on when all tokens die, with one new sign-in', async () => {
    const client = byPassword()
    await roundTrip(client)
    cloud.openstack.keystone.revoke()
    const infos = await Promise.all([1, 2, 3, 4].map(() => lastValueFrom(client.storage.info('c/a'))))
    expect(infos.map(({ bytes }) => bytes)).toEqual([14, 14, 14, 14])
    expect(cloud.requests({ method: 'POST', path: '/v3/auth/tokens' })).toHaveLength(2)
  })

  it('says why a sign-in failed, and nothing of the secret', async () => {
    const client = byPassword({ password: 'wrong-secret' })
    const failure: unknown = await lastValueFrom(client.storage.info('c/a')).catch((error: unknown) => error)
    expect(failure).toMatchObject({ cloud: 'openstack', status: 401 })
    expect(JSON.stringify(failure) + String(failure)).not.toContain('wrong-secret')
  })
})
