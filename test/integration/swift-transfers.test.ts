import { randomBytes } from 'node:crypto'
import { lastValueFrom, toArray } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSwift } from '../../src/clients/synnefo/swift.js'
import { memorySink } from '../../src/index.js'
import { startCloud, type EmbeddedCloud } from '../../src/testing/cloud/index.js'
import { describeSwiftTransfers } from './swift-transfers-suite.js'

describe('transfers of Swift in the embedded cloud', () => {
  let cloud: EmbeddedCloud
  beforeAll(async () => {
    cloud = await startCloud({ clouds: ['openstack'] })
  })
  afterAll(() => cloud.close())

  describeSwiftTransfers(
    () => {
      const { authUrl, user, key, second } = cloud.openstack.tempAuth
      return { authUrl, user, key, account: 'AUTH_test', other: { ...second, account: 'AUTH_test2' } }
    },
    { large: 64 * 2 ** 20, cutAt: 1, segmentSize: 2 ** 20, files: 100 },
  )

  it('survive bad gateways, resets, cuts and a token that dies, both ways', async () => {
    const { authUrl, user, key } = cloud.openstack.tempAuth
    const { storage, close } = createSwift({ authUrl, user, key })
    await lastValueFrom(storage.containers.create('faults'))
    const segments = { cloud: 'openstack', method: 'PUT', path: /\/faults_segments\/.+/ } as const
    cloud.faults.add({ ...segments, skip: 1, fault: { kind: 'status', status: 503 } })
    cloud.faults.add({ ...segments, skip: 3, fault: { kind: 'reset' } })
    cloud.faults.add({ ...segments, skip: 5, fault: { kind: 'cut-request', afterBytes: 1000 } })
    const content = randomBytes(12 * 2 ** 20)
    const up = storage.upload(content, 'faults/a', { segmentSize: 2 ** 20 }).pipe(toArray())
    expect((await lastValueFrom(up)).filter(({ kind }) => kind === 'retrying')).toHaveLength(3)

    cloud.openstack.tempAuth.revoke()
    const gets = { cloud: 'openstack', method: 'GET', path: /\/faults\/a$/ } as const
    cloud.faults.add({ ...gets, skip: 2, fault: { kind: 'reset-mid-body', afterBytes: 100_000 } })
    const sink = memorySink()
    await lastValueFrom(storage.download('faults/a', sink))
    expect(content.equals(sink.bytes)).toBe(true)
    close()
  })
})
