// The installed package from a CommonJS module.
const assert = require('node:assert/strict')
const { lastValueFrom, toArray } = require('rxjs')
const { createSynnefo } = require('skystream/synnefo')
const { startCloud } = require('skystream/testing/cloud')

async function main() {
  const cloud = await startCloud({ clouds: ['synnefo'] })
  const { authUrl, token } = cloud.synnefo
  const client = createSynnefo({ authUrl, token })
  const flavors = await lastValueFrom(client.flavors.list().pipe(toArray()))
  assert.ok(flavors.length > 0)
  client.close()
  await cloud.close()
}

void main()
