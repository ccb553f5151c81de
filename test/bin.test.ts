import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { EmbeddedCloud } from '../src/testing/cloud/index.js'
import { call, text } from './testing/cloud/calls.js'

let child: ChildProcess | undefined
afterEach(async () => {
  if (child?.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
})

interface Run {
  /** The next line of standard output. */
  line(): Promise<string>
  readonly errors: () => string
  stop(signal: NodeJS.Signals): Promise<number | null>
  readonly ended: Promise<number | null>
}

function run(...args: string[]): Run {
  const started = spawn(process.execPath, ['--import', 'tsx', 'src/bin.ts', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child = started
  const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]()
  let errors = ''
  started.stderr.on('data', (piece: Buffer) => (errors += piece.toString()))
  const ended = once(started, 'close').then(([code]) => code as number | null)
  return {
    line: async () => String((await lines.next()).value),
    errors: () => errors,
    ended,
    stop(signal) {
      started.kill(signal)
      return ended
    },
  }
}

it('serves until it is told to end, and leaves nothing behind', async () => {
  const bin = run('cloud', '--json', '--speed', '60', '--token-lifetime', '90', '--block-size', '2048')
  const { synnefo, stackit } = JSON.parse(await bin.line()) as Record<string, Record<string, string>>
  const keyPath = String(stackit?.['serviceAccountKeyPath'])
  expect(statSync(keyPath).mode & 0o777).toBe(0o600)
  const key = JSON.parse(readFileSync(keyPath, 'utf8')) as { credentials: Record<string, string> }
  expect(key.credentials['tokenEndpoint']).toBe(stackit?.['tokenUrl'])
  const answer = await call('POST', `${String(synnefo?.['authUrl'])}/tokens`, {
    json: { auth: { token: { id: synnefo?.['token'] } } },
  })
  const { access } = answer.json()
  const expires = Date.parse(text(access?.['token']?.['expires']))
  expect(expires - Date.now()).toBeGreaterThan(30_000)
  expect(expires - Date.now()).toBeLessThanOrEqual(90_000)
  const { url, userId, token } = synnefo ?? {}
  const container = `${String(url)}/pithos/object-store/v1/${String(userId)}/pithos`
  expect((await call('PUT', container, { token: String(token) })).status).toBe(201)
  const head = await call('HEAD', container, { token: String(token) })
  expect(head.headers['x-container-block-size']).toBe('2048')
  expect(await bin.stop('SIGTERM')).toBe(0)
  expect(existsSync(dirname(keyPath))).toBe(false)
  expect(bin.errors()).toBe('')
})

it('prints lines to paste, for the clouds that are wanted', async () => {
  const bin = run('cloud', '--clouds', 'stackit,openstack')
  const lines: string[] = []
  for (let line = ''; !line.startsWith('# Serving');) {
    line = await bin.line()
    lines.push(line)
  }
  const names = lines.flatMap((line) => /^export (\w+)=\S+$/.exec(line)?.[1] ?? [])
  expect(names.slice(0, 3)).toEqual([
    'STACKIT_SERVICE_ACCOUNT_KEY_PATH',
    'STACKIT_TOKEN_BASEURL',
    'STACKIT_PROJECT_ID',
  ])
  expect(names).toEqual(expect.arrayContaining(['OS_AUTH_URL', 'OS_PASSWORD', 'OS_PROJECT_NAME', 'ST_AUTH']))
  expect(names.filter((name) => /^(OS|ST)_/.test(name))).toHaveLength(12)
  expect(await bin.stop('SIGINT')).toBe(0)
})

it('tells how to sign in to OpenStack, in its two ways', async () => {
  const bin = run('cloud', '--json', '--clouds', 'openstack', '--token-lifetime', '90')
  const { openstack } = JSON.parse(await bin.line()) as Pick<EmbeddedCloud, 'openstack'> & {
    openstack: { cloudsYamlPath: string }
  }
  const { tempAuth, keystone, cloudsYamlPath } = openstack
  expect(statSync(cloudsYamlPath).mode & 0o777).toBe(0o600)
  expect(parse(readFileSync(cloudsYamlPath, 'utf8'))).toEqual({
    clouds: {
      embedded: {
        region_name: keystone.region,
        auth: {
          auth_url: keystone.authUrl,
          username: keystone.username,
          password: keystone.password,
          project_name: keystone.projectName,
          user_domain_name: keystone.userDomainName,
          project_domain_name: keystone.projectDomainName,
        },
      },
    },
  })
  const headers = { 'x-auth-user': tempAuth.user, 'x-auth-key': tempAuth.key }
  const answer = await call('GET', tempAuth.authUrl, { headers })
  expect(Number(answer.headers['x-auth-token-expires'])).toBeLessThanOrEqual(90)
  expect(keystone.authUrl).toBe(`${openstack.origin}/v3`)
  expect(await bin.stop('SIGTERM')).toBe(0)
  expect(existsSync(dirname(cloudsYamlPath))).toBe(false)
})

it('tells how to sign in to SlipStream and Nuvla', async () => {
  const bin = run('cloud', '--json', '--clouds', 'slipstream,nuvla', '--token-lifetime', '90')
  const { slipstream, nuvla } = JSON.parse(await bin.line()) as Pick<EmbeddedCloud, 'slipstream' | 'nuvla'>
  const logIn = (url: string, body: unknown): ReturnType<typeof call> =>
    call('POST', `${url}/api/session`, { json: body })
  const sessionTemplate = { href: 'session-template/internal', ...slipstream.user }
  const template = { href: 'session-template/api-key', ...nuvla.apiKey }
  for (const answer of [
    await logIn(slipstream.url, { sessionTemplate }),
    await logIn(nuvla.url, { template }),
  ]) {
    expect(answer.status).toBe(201)
    const expires = /Expires=([^;]+)/.exec(String(answer.headers['set-cookie']))?.[1] ?? ''
    expect(Date.parse(expires) - Date.now()).toBeLessThanOrEqual(91_000)
  }
  expect(await bin.stop('SIGTERM')).toBe(0)
  const lines = run('cloud', '--clouds', 'nuvla,slipstream')
  const names: string[] = []
  for (let line = ''; !line.startsWith('# Serving');) {
    line = await lines.line()
    names.push(...(/^export (\w+)=\S+$/.exec(line)?.slice(1) ?? []))
  }
  expect(names).toEqual([
    'SLIPSTREAM_ENDPOINT',
    'SLIPSTREAM_USERNAME',
    'SLIPSTREAM_PASSWORD',
    'NUVLA_ENDPOINT',
    'NUVLA_API_KEY',
    'NUVLA_API_SECRET',
  ])
  expect(await lines.stop('SIGINT')).toBe(0)
})

it.each([
  [['cloud', '--clouds', 'nimbus'], 'There is no nimbus'],
  [['cloud', '--speed', '0'], 'It must be a number above 0'],
  [['cloud', '--port', '8080'], 'It is written synnefo=8080'],
])('explains what is wrong with %j', async (args, text) => {
  const bin = run(...args)
  expect(await bin.ended).toBe(1)
  expect(bin.errors()).toContain(text)
})
