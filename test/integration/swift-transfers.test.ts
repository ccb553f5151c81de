import { afterAll, beforeAll, describe } from 'vitest'
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
})
