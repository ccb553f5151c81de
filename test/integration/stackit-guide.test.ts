import { tmpdir } from 'node:os'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud } from '../../src/testing/cloud/index.js'
import { runExample } from '../run-example.js'

let cloud: EmbeddedCloud
beforeAll(async () => {
  cloud = await startCloud({ clouds: ['stackit'] })
})
afterAll(async () => {
  await cloud.close()
})

it('docs/stackit.md: a service at another address', async () => {
  const { serviceAccountKey, projectId, serviceAccountEmail, endpoint } = cloud.stackit
  const given = {
    serviceAccountKey: JSON.stringify(serviceAccountKey),
    projectId,
    serviceAccountEmail,
    url: endpoint('service-account'),
  }
  expect(await runExample('docs/stackit.md', 'elsewhere', { given, cwd: tmpdir() })).toBe('1\n')
})
