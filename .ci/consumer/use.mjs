// The installed package from an ES module.
import assert from 'node:assert/strict'
import { lastValueFrom, toArray } from 'rxjs'
import { pollUntil } from 'skystream/operators'
import { createSynnefo } from 'skystream/synnefo'
import { startCloud } from 'skystream/testing/cloud'

assert.equal(typeof pollUntil, 'function')
const cloud = await startCloud({ clouds: ['synnefo'] })
const { authUrl, token } = cloud.synnefo
const client = createSynnefo({ authUrl, token })
const flavors = await lastValueFrom(client.flavors.list().pipe(toArray()))
assert.ok(flavors.length > 0)
client.close()
await cloud.close()
