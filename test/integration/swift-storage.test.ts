import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud } from '../../src/testing/cloud/index.js'
import { runExample } from '../run-example.js'
import { useFolder } from '../streams/folder.js'
import { describeSwiftStorage } from './swift-storage-suite.js'

const folder = useFolder()

describe('the storage of Swift in the embedded cloud', () => {
  let cloud: EmbeddedCloud
  beforeAll(async () => {
    cloud = await startCloud({ clouds: ['openstack'] })
  })
  afterAll(() => cloud.close())

  it('does what its guide says', async () => {
    const { authUrl, user, key } = cloud.openstack.tempAuth
    const given = { authUrl, user, key }
    expect(await runExample('docs/storage.md', 'swift', { given, cwd: folder() })).toBe('Hello\n')
  })

  describeSwiftStorage(() => {
    const { authUrl, user, key, second } = cloud.openstack.tempAuth
    return { authUrl, user, key, account: 'AUTH_test', other: { ...second, account: 'AUTH_test2' } }
  })
})
