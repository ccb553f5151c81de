import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud } from '../../src/testing/cloud/index.js'
import { runExample } from '../run-example.js'

let cloud: EmbeddedCloud
let folder: string
beforeAll(async () => {
  // So fast that whatever takes time is done before the first poll.
  cloud = await startCloud({ clouds: ['stackit'], clock: { speed: 100_000 } })
  folder = mkdtempSync(join(tmpdir(), 'skystream-guide-'))
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await cloud.close()
})

function run(name: string, given: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const { serviceAccountKey, tokenUrl, projectId, endpoint } = cloud.stackit
  const config = {
    serviceAccountKey: JSON.stringify(serviceAccountKey),
    tokenEndpoint: tokenUrl,
    projectId,
    region: 'eu01',
    endpoints: { dns: endpoint('dns'), iaas: endpoint('iaas') },
  }
  return runExample('docs/stackit.md', name, { given: { config, ...given }, cwd: folder })
}

describe('docs/stackit.md', () => {
  it('a service at another address', async () => {
    const { serviceAccountKey, projectId, serviceAccountEmail, endpoint } = cloud.stackit
    const given = {
      serviceAccountKey: JSON.stringify(serviceAccountKey),
      projectId,
      serviceAccountEmail,
      url: endpoint('service-account'),
    }
    expect(await run('elsewhere', given)).toBe('1\n')
  })

  it('pages that are fetched as they are used', async () => {
    const { projectId, resources } = cloud.stackit
    for (const name of ['one', 'two', 'three', 'four', 'five']) {
      const path = `/v1/projects/${projectId}/zones/${crypto.randomUUID()}`
      resources.put('dns', path, { name, dnsName: `${name}.example`, state: 'CREATE_SUCCEEDED' })
    }
    expect(await run('pages')).toBe('one.example\ntwo.example\nthree.example\n')
    expect(cloud.requests({ method: 'GET', path: /\/zones$/ })).toHaveLength(2)
  })

  it('a wait', async () => {
    expect(await run('wait')).toBe('accepted\nCREATE_SUCCEEDED\nexample.org\n')
  })

  it('the upload of an image', async () => {
    const file = join(folder, 'debian.qcow2')
    writeFileSync(file, Buffer.alloc(3_000_000, 1))
    const output = await run('image', { file })
    expect(output).toMatch(/3000000 of 3000000\n(?:CREATING \d+\n)*AVAILABLE 100\nAVAILABLE\n$/)
  })
})

describe('docs/migrating-from-stackit-python.md', () => {
  const runWithKeyFile = (name: string, projectId: string): Promise<string> => {
    const { serviceAccountKey, endpoint } = cloud.stackit
    writeFileSync(join(folder, 'key.json'), JSON.stringify(serviceAccountKey))
    const given = { projectId, url: endpoint('dns') }
    return runExample('docs/migrating-from-stackit-python.md', name, { given, cwd: folder })
  }

  it('a client and a call', async () => {
    const { projectId, resources } = cloud.stackit
    resources.put('dns', `/v1/projects/${projectId}/zones/${crypto.randomUUID()}`, { name: 'mine' })
    expect((await runWithKeyFile('call', projectId)).split('\n')).toContain('mine')
  })

  it('errors', async () => {
    expect(await runWithKeyFile('errors', crypto.randomUUID())).toBe('PermissionError 403\n')
  })
})
