// The installed package from an ES module.
import assert from 'node:assert/strict'
import { lastValueFrom, toArray } from 'rxjs'
import { pollUntil } from 'skystream/operators'
import { dns } from 'skystream/stackit/dns'
import { iaas } from 'skystream/stackit/iaas/v2alpha1'
import { createSwift } from 'skystream/swift'
import { createSynnefo } from 'skystream/synnefo'
import { startCloud } from 'skystream/testing/cloud'

assert.equal(typeof pollUntil, 'function')
assert.ok('createZone' in dns.operations && 'listVPCs' in iaas.operations)
const cloud = await startCloud({ clouds: ['synnefo', 'openstack'] })
const { authUrl, token } = cloud.synnefo
const client = createSynnefo({ authUrl, token })
const flavors = await lastValueFrom(client.flavors.list().pipe(toArray()))
assert.ok(flavors.length > 0)
client.close()

// Large enough for the hashing threads, whose program is found only where it was packed.
const content = new Uint8Array(2 ** 20).fill(7)
const { authUrl: swiftUrl, user, key } = cloud.openstack.tempAuth
const swift = createSwift({ authUrl: swiftUrl, user, key })
await lastValueFrom(swift.storage.containers.create('c'))
await lastValueFrom(swift.storage.upload(content, 'c/a'))
assert.equal((await lastValueFrom(swift.storage.info('c/a'))).bytes, content.length)
swift.close()
await cloud.close()
