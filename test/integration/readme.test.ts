// The examples of the README and of the guide to calls, run as they stand there: on the built package, in a program of their own, which must end by itself.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCloud, type EmbeddedCloud } from '../../src/testing/cloud/index.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const guides = ['README.md', 'docs/calls.md'].map((path) => readFileSync(join(root, path), 'utf8')).join('\n')

let cloud: EmbeddedCloud
let folder: string

beforeAll(async () => {
  cloud = await startCloud({ clouds: ['synnefo'], clock: { speed: 600 } })
  // Inside the package, so that it finds itself by its own name.
  folder = mkdtempSync(join(root, 'dist/.readme-'))
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await cloud.close()
})

function example(name: string): string {
  const code = new RegExp(`<!-- example: ${name} -->\\n\`\`\`ts\\n([^]*?)\`\`\``).exec(guides)?.[1]
  if (code === undefined) throw new Error(`there is no example called ${name}`)
  return code
}

async function run(name: string, prelude: string): Promise<string> {
  const { authUrl, token, images } = cloud.synnefo
  const given = { authUrl, token, imageRef: images[0]?.id, file: join(root, 'package-lock.json') }
  const constants = Object.entries(given).map(([key, value]) => `const ${key} = ${JSON.stringify(value)}`)
  const path = join(folder, `${name}.ts`)
  writeFileSync(path, [...constants, prelude, example(name)].join('\n'))
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', path], { cwd: root })
  return stdout
}

describe('guides', () => {
  it('eight lines build a server and move a file', async () => {
    const size = String(readFileSync(join(root, 'package-lock.json')).length)
    expect(await run('eight-lines', '')).toContain(`${size} of ${size}\n`)
    expect(cloud.requests({ method: 'POST', path: '/compute/v2.0/servers' })).toHaveLength(1)
    expect(example('eight-lines').trim().split('\n')).toHaveLength(8)
  })

  it('for await reads a build', async () => {
    const prelude = `
      import { createSynnefo } from 'skystream/synnefo'
      const cloud = createSynnefo({ authUrl, token })
      const spec = { name: 'web', flavorRef: 1, imageRef }`
    expect(await run('for-await', prelude)).toMatch(/^BUILD \d+\n[^]*ACTIVE 100\n\d+\n$/)
  })

  it('call runs an operation that a client has no method for', async () => {
    const prelude = `
      import { createSynnefo } from 'skystream/synnefo'
      const synnefo = createSynnefo({ authUrl, token })`
    expect(await run('own-call', prelude)).toBe('0\n')
  })

  it('marbles test a shutdown', async () => {
    const prelude = `
      import { map } from 'rxjs'
      import { result } from 'skystream/operators'
      import { createSynnefo } from 'skystream/synnefo'
      const access = {
        token: { id: 't0ken', expires: '2099-01-01T00:00:00+00:00' },
        user: { id: 'u1', name: 'Ada' },
        serviceCatalog: [{ name: 'c', type: 'compute', endpoints: [{ publicURL: authUrl.replace('identity', 'compute') }] }],
      }
      const state = (status: string, task = '') => ({ json: { server: { id: 7, name: 'web', status, 'SNF:task_state': task } } })
      const it = (name: string, test: () => void) => { test(); console.log('passed:', name) }`
    expect(await run('marbles', prelude)).toBe('passed: waits for both ends\n')
  })
})
