import { afterAll, beforeAll, describe } from 'vitest'
import { startCloud, type EmbeddedCloud } from '../../src/testing/cloud/index.js'
import { describeSwiftStorage } from './swift-storage-suite.js'

describe('the storage of Swift in the embedded cloud', () => {
  let cloud: EmbeddedCloud
  beforeAll(async () => {
    cloud = await startCloud({ clouds: ['openstack'] })
  })
  afterAll(() => cloud.close())

  describeSwiftStorage(() => {
    const { authUrl, user, key, second } = cloud.openstack.tempAuth
    return { authUrl, user, key, account: 'AUTH_test', other: { ...second, account: 'AUTH_test2' } }
  })
})
