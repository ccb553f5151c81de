import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud } from '../../src/testing/cloud/index.js'
import { sourceDiagram } from '../operators/doc-comment.js'
import { runExample } from '../run-example.js'
import { useFolder } from './folder.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const guide = readFileSync(join(root, 'docs/transfers.md'), 'utf8')
const folder = useFolder()
let cloud: EmbeddedCloud

beforeAll(async () => {
  cloud = await startCloud({ clouds: ['synnefo', 'openstack'], synnefo: { blockSize: 1024 } })
})
afterAll(() => cloud.close())

const run = (name: string): Promise<string> => {
  const { authUrl, token } = cloud.synnefo
  return runExample('docs/transfers.md', name, { given: { authUrl, token }, cwd: folder() })
}

describe('docs/transfers.md', () => {
  it('has the diagram that the tests run', () => {
    expect(guide).toContain(`\`\`\`text\n${sourceDiagram('streams/conflate-progress')}\n\`\`\``)
  })

  it('has examples that work', async () => {
    const content = Buffer.alloc(10_000, 'abc')
    writeFileSync(folder('big.iso'), content)
    expect(await run('there-and-back')).toBe('done 10000\n')
    expect(readFileSync(folder('copy.iso')).equals(content)).toBe(true)
    expect(await run('checkpoint')).toBe('')
    expect(await run('stubborn')).toBe('')
    const put = cloud.requests({ method: 'PUT', path: /\/backup\/big\.iso$/ })
    expect(put.filter(({ status }) => status === 201)).toHaveLength(2)
    mkdirSync(folder('photos/2026'), { recursive: true })
    writeFileSync(folder('photos/2026/a.jpg'), 'picture')
    writeFileSync(folder('photos/b.tmp'), 'temporary')
    expect(await run('many')).toBe('uploaded 2026/a.jpg\ndownloaded 2026/a.jpg\n')
    expect(readFileSync(folder('copy/2026/a.jpg'), 'utf8')).toBe('picture')
    writeFileSync(folder('big.iso'), Buffer.alloc(3 * 2 ** 20, 'abc'))
    const { authUrl, user, key } = cloud.openstack.tempAuth
    const given = { authUrl, user, key }
    const told = await runExample('docs/transfers.md', 'swift', { given, cwd: folder() })
    expect(told).toBe(`done ${String(3 * 2 ** 20)}\n`)
  })
})
