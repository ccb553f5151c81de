import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud } from '../../src/testing/cloud/index.js'
import { runExample } from '../run-example.js'

let cloud: EmbeddedCloud
let cwd: string
beforeAll(async () => {
  // A deployment of some two minutes takes a quarter of a second.
  cloud = await startCloud({ clouds: ['slipstream'], clock: { speed: 600 }, seed: 7 })
  cwd = mkdtempSync(join(tmpdir(), 'slipstream-guide-'))
})
afterAll(async () => {
  rmSync(cwd, { recursive: true })
  await cloud.close()
})

const run = (example: string): Promise<string> => {
  const { url: endpoint, user } = cloud.slipstream
  return runExample('docs/slipstream.md', example, { given: { endpoint, ...user }, cwd })
}

describe('the examples of docs/slipstream.md', () => {
  it('deploy: tells the progress and the address', async () => {
    const lines = (await run('deploy')).trimEnd().split('\n')
    const [id = ''] = cloud.slipstream.runs.ids()
    const deployed = cloud.slipstream.runs.get(id)
    expect(deployed).toMatchObject({ state: 'Ready', parameters: { 'machine:wordpress_title': 'Hello' } })
    expect(lines.at(-1)).toBe(`ready at ${String(deployed?.parameters['ss:url.service'])}`)
    expect(lines.slice(0, -1).every((line) => /^[A-Z]\w+ \d+ \S/.test(line))).toBe(true)
    expect(lines.at(-2)).toMatch(/^Ready 100 /)
  })

  it('search: prints the filter, how many events there are, and what was counted', async () => {
    const { documents } = cloud.slipstream
    const content = { resource: { href: 'run/none' }, state: 'Ready' }
    for (const [type, timestamp] of [
      ['state', '2019-03-29T10:00:01.000Z'],
      ['state', '2019-03-29T09:00:00.000Z'],
      ['action', '2019-03-30T10:00:00.000Z'],
    ]) {
      documents.put('event', { type, timestamp, severity: 'low', content })
    }
    const recent = documents
      .list('event')
      .filter(({ type, timestamp }) => type === 'state' && String(timestamp) > '2019-03-29T10:00:00.000Z')
    expect(recent.length).toBeGreaterThan(0)
    expect(await run('search')).toBe(
      `type='state' and timestamp>2019-03-29T10:00:00.000Z\n${String(recent.length)}\n2 [ 'terms:state' ]\n`,
    )
  })
})
