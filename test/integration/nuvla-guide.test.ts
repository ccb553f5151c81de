import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { startCloud } from '../../src/testing/cloud/index.js'
import { runExample } from '../run-example.js'
import { atTheEnd } from './nuvla-site.js'

it('the example of docs/slipstream.md deploys, shows the way, and leaves nothing behind', async () => {
  // A job of 22 seconds takes less than one.
  const cloud = await startCloud({ clouds: ['nuvla'], clock: { speed: 30 }, seed: 7 })
  atTheEnd(() => cloud.close())
  const { url: endpoint, apiKey, modules, credential: credentialId } = cloud.nuvla
  const given = { endpoint, ...apiKey, moduleId: modules.application, credentialId }
  const output = await runExample('docs/slipstream.md', 'nuvla', { given, cwd: tmpdir() })
  const lines = output.trimEnd().split('\n')
  const [wordpress, admin, end] = lines.slice(-3)
  expect(wordpress).toMatch(/^wordpress http:\/\/[\d.]+:\d+$/)
  expect(admin).toMatch(/^admin http:\/\/[\d.]+:\d+\/wp-admin$/)
  expect(end).toBe('terminated')
  const told = lines.slice(0, -3).map((line) => /^(START\w+) (\d+) /.exec(line)?.slice(1))
  expect(told.length).toBeGreaterThan(1)
  expect(told.at(0)?.[0]).toBe('STARTING')
  expect(told.at(-1)).toEqual(['STARTED', '100'])
  const percents = told.map((pair) => Number(pair?.[1]))
  expect(percents).toEqual([...percents].sort((one, other) => one - other))
  expect(cloud.nuvla.documents.list('deployment')).toEqual([])
})
