import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud } from '../../src/testing/cloud/index.js'
import { sourceDiagram } from '../operators/doc-comment.js'
import { useFolder } from './folder.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const guide = readFileSync(join(root, 'docs/transfers.md'), 'utf8')
const folder = useFolder()
let cloud: EmbeddedCloud

beforeAll(async () => {
  cloud = await startCloud({ clouds: ['synnefo'], synnefo: { blockSize: 1024 } })
})
afterAll(() => cloud.close())

/** Runs an example of the guide as it stands there, on the source, in a folder of its own. */
async function run(name: string): Promise<string> {
  const code = new RegExp(`<!-- example: ${name} -->\n\n\`\`\`ts\n([^]*?)\`\`\``).exec(guide)?.[1]
  if (code === undefined) throw new Error(`the guide has no example called ${name}`)
  const source = (path: string): string => pathToFileURL(join(root, 'src', path)).href
  const program = code
    .replace("'rxjs'", JSON.stringify(pathToFileURL(join(root, 'node_modules/rxjs/dist/cjs/index.js')).href))
    .replace("'skystream/synnefo'", JSON.stringify(source('clients/synnefo/index.ts')))
    .replace("'skystream/operators'", JSON.stringify(source('operators/index.ts')))
  const { authUrl, token } = cloud.synnefo
  const given = `const authUrl = ${JSON.stringify(authUrl)}, token = ${JSON.stringify(token)}\n`
  const tsx = pathToFileURL(join(root, 'node_modules/tsx/dist/loader.mjs')).href
  const args = ['--import', tsx, '--input-type=module', '-e', given + program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder() })
  return stdout
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
  })
})
