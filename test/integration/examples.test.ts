// The examples, as a user runs them: on the built package, as programs of their own, against the embedded cloud.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { request } from 'undici'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

let temporary: string

beforeAll(() => {
  if (!existsSync(join(root, 'dist/index.js')))
    throw new Error('dist is missing: the examples run on the built package')
  temporary = mkdtempSync(join(tmpdir(), 'skystream-examples-'))
})
afterAll(() => {
  rmSync(temporary, { recursive: true, force: true })
})

/** An environment in which no credential is found, and in which temporary files can be counted. */
function environment(): NodeJS.ProcessEnv {
  const { PATH } = process.env
  return { PATH, HOME: temporary, TMPDIR: temporary }
}

function start(program: string): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', join(root, program)], { cwd: root, env: environment() })
}

async function run(program: string): Promise<string> {
  const child = start(program)
  const output = Promise.all([text(child.stdout!), text(child.stderr!)])
  const [code] = (await once(child, 'exit')) as [number | null]
  const [stdout, stderr] = await output
  expect(stderr).toBe('')
  expect(code).toBe(0)
  return stdout
}

/** The names of what an example says it has removed. */
function removedBy(output: string): string[] {
  return [...output.matchAll(/^ {2}(.+) [\da-f-]{36} is removed$/gm)].map(([, name = '']) => name)
}

describe('examples', () => {
  it('tour: builds, moves, renews, verifies, and leaves nothing behind', async () => {
    const output = await run('examples/tour/main.ts')
    expect(output).toContain('compute')
    expect(output).toContain('server built: ACTIVE')
    expect(output).toContain('hashes equal: true')
    const renewals = /token renewed by itself: (\d+) times?\n/.exec(output)
    expect(Number(renewals?.[1])).toBeGreaterThan(0)
    expect(readdirSync(temporary).filter((name) => !name.startsWith('tsx-'))).toEqual([])
  })

  it('build-server: reads a build with for await', async () => {
    const output = await run('examples/build-server.ts')
    expect(output).toMatch(/^submitted \{"id":\d+\}\nBUILD /)
    expect(output).toMatch(/server \d+ is ACTIVE\n$/)
  })

  it('two-clouds: asks both at once and merges their tokens', async () => {
    const output = await run('examples/two-clouds.ts')
    expect(output).toMatch(/sees \d+ images; STACKIT's token is granted/)
    expect(output).toContain('synnefo valid')
    expect(output).toContain('stackit valid')
  })

  it('wordpress: deploys from the app store, shows how it goes, tells the address, and terminates', async () => {
    const output = await run('examples/wordpress.ts')
    expect(output).toMatch(/^applications: .*apps\/WordPress\/wordpress/)
    expect(output).toMatch(/deploy +\d+% +(Provisioning|Executing)/)
    expect(output).toMatch(
      /WordPress is at https?:\/\/\S+\nadmin_user: admin\nadmin_email: admin@example\.org\n/,
    )
    expect(output).toMatch(/the deployment is Done\n$/)
  })

  it('stackit-server: shows one progress of all waits, and removes what it made, the last first', async () => {
    const output = await run('examples/stackit-server.ts')
    expect(output).toMatch(/^\nA server in the embedded cloud\n {2}creating +\d+% {2}network: submitted\n/)
    const percents = [...output.matchAll(/creating +(\d+)% /g)].map(([, percent]) => Number(percent))
    expect(percents).toEqual(percents.toSorted((a, b) => a - b))
    expect(output).toMatch(/creating 100% {2}public IP: \d+\.\d+\.\d+\.\d+\n/)
    expect(removedBy(output)).toEqual(['public IP', 'server', 'volume', 'network'])
    expect(output).toMatch(/removing 100% {2}network: done\n$/)
  })

  it('stackit-server: removes what it has made so far when it is interrupted', async () => {
    const child = start('examples/stackit-server.ts')
    const errors = text(child.stderr!)
    const ended = once(child, 'exit')
    child.stdout!.setEncoding('utf8')
    let output = ''
    let isInterrupted = false
    for await (const words of child.stdout!) {
      output += String(words)
      if (isInterrupted || !output.includes('network: done')) continue
      isInterrupted = child.kill('SIGINT')
    }
    expect((await ended)[0]).toBe(130)
    expect(await errors).toBe('')
    expect(output).toContain('interrupted: what was made is removed again\n')
    const created = ['network', 'volume', 'server', 'public IP']
    const removed = removedBy(output)
    expect(removed.length).toBeGreaterThan(0)
    expect(removed).toEqual(created.slice(0, removed.length).reverse())
    expect(output).toMatch(/removing 100% {2}network: done\n$/)
  })

  it('status-service: streams server-sent events, and ends at SIGTERM', async () => {
    const child = start('examples/status-service.ts')
    child.stdout!.setEncoding('utf8')
    const [line] = (await once(child.stdout!, 'data')) as [string]
    const address = /listening on (\S+);/.exec(line)?.[1] ?? ''

    const { statusCode, body } = await request(`${address}/servers/4242`)
    expect(statusCode).toBe(200)
    expect(await body.text()).toMatch(/^event: error\ndata: \{"code":"SKY_HTTP_NOT_FOUND"/)
    expect((await request(`${address}/nothing`)).statusCode).toBe(404)

    child.kill('SIGTERM')
    const [code] = (await once(child, 'exit')) as [number | null]
    expect(code).toBe(0)
  })
})
