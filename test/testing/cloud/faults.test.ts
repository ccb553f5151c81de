import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { request as httpRequest } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  startCloud,
  type EmbeddedCloud,
  type Fault,
  type FaultKind,
} from '../../../src/testing/cloud/index.js'
import { call, type Answer, text } from './calls.js'

let cloud: EmbeddedCloud
beforeEach(async () => {
  cloud = await startCloud({ clouds: ['synnefo'], synnefo: { blockSize: 1024 } })
})
afterEach(() => cloud.close())

const flavorsPath = '/compute/v2.0/flavors/detail'
const flavors = (token = cloud.synnefo.token): Promise<Answer> =>
  call('GET', `${cloud.synnefo.url}${flavorsPath}`, { token })
const add = (fault: FaultKind | readonly FaultKind[], rest: Omit<Fault, 'fault'> = {}): (() => void) =>
  cloud.faults.add({ ...rest, fault })

/** All that came over the wire until the connection ended, and how it ended. */
function raw(path: string, token = cloud.synnefo.token): Promise<{ bytes: string; ending: string }> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port: Number(new URL(cloud.synnefo.url).port) })
    let bytes = ''
    socket.setEncoding('latin1')
    socket.on('data', (piece: string) => (bytes += piece))
    socket.on('end', () => {
      resolve({ bytes, ending: 'closed' })
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      resolve({ bytes, ending: String(error.code) })
    })
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: ${token}\r\n\r\n`)
  })
}
const split = (bytes: string): [head: string, body: string] => {
  const at = bytes.indexOf('\r\n\r\n')
  return [bytes.slice(0, at), bytes.slice(at + 4)]
}
const lengthIn = (head: string): number => Number(/content-length: (\d+)/i.exec(head)?.[1])

describe('the query of a fault', () => {
  it.each([['until'], [/^until=\d+$/]])('%s is looked for', async (search) => {
    add({ kind: 'status', status: 503 }, { search, times: Infinity })
    const at = async (query: string): Promise<number> =>
      (await call('GET', `${cloud.synnefo.url}${flavorsPath}${query}`, { token: cloud.synnefo.token })).status
    expect(await at('')).toBe(200)
    expect(await at('?until=1')).toBe(503)
    expect(await at('?other=1')).toBe(200)
  })
})

describe('which requests', () => {
  it('lets some through first, then spoils some, then is used up', async () => {
    add({ kind: 'status', status: 503 }, { path: flavorsPath, skip: 2, times: 2 })
    const statuses: number[] = []
    for (let call = 0; call < 6; call += 1) statuses.push((await flavors()).status)
    expect(statuses).toEqual([200, 200, 503, 503, 200, 200])
  })

  it('takes one fault for each request, in the order of their declaration', async () => {
    add({ kind: 'status', status: 503 })
    add({ kind: 'status', status: 500 })
    add({ kind: 'status', status: 504 }, { skip: 3 })
    const statuses: number[] = []
    for (let call = 0; call < 5; call += 1) statuses.push((await flavors()).status)
    expect(statuses).toEqual([503, 500, 200, 504, 200])
  })

  it('spoils nothing with times 0', async () => {
    add({ kind: 'status', status: 503 }, { times: 0 })
    expect((await flavors()).status).toBe(200)
  })

  it('goes by cloud, method and path: exact, by prefix, by pattern', async () => {
    const status = (code: number): FaultKind => ({ kind: 'status', status: code })
    const others: Omit<Fault, 'fault'>[] = [
      { cloud: 'stackit' },
      { method: 'POST' },
      { path: '/compute/v2.0/flavors' },
      { path: '/compute/v2.0/servers*' },
      { path: /flavors$/ },
    ]
    const same: Omit<Fault, 'fault'>[] = [
      { cloud: 'synnefo' },
      { method: 'get' },
      { path: flavorsPath },
      { path: '/compute/*' },
      { path: /flavors\/detail$/ },
    ]
    for (const rest of others) add(status(500), { ...rest, times: Infinity })
    for (const rest of same) {
      add(status(503), rest)
      expect([rest, (await flavors()).status]).toEqual([rest, 503])
    }
    expect((await flavors()).status).toBe(200)
  })

  it('can be taken back, one or all', async () => {
    const take = add({ kind: 'status', status: 503 }, { times: Infinity })
    expect((await flavors()).status).toBe(503)
    take()
    expect((await flavors()).status).toBe(200)
    add({ kind: 'status', status: 503 }, { times: Infinity })
    cloud.faults.clear()
    expect((await flavors()).status).toBe(200)
  })

  it('can be declared at the start', async () => {
    const other = await startCloud({
      clouds: ['synnefo'],
      faults: [{ fault: { kind: 'status', status: 502 } }],
    })
    expect((await call('POST', `${other.synnefo.authUrl}/tokens`)).status).toBe(502)
    await other.close()
  })

  it('refuses what makes no sense', () => {
    expect(() => add({ kind: 'status', status: 42 })).toThrow('status of a fault')
    expect(() => add({ kind: 'delay', ms: -1 })).toThrow('ms of a fault')
    expect(() => add({ kind: 'reset' }, { times: NaN })).toThrow('times of a fault')
    expect(() => add({ kind: 'flood' } as unknown as FaultKind)).toThrow('"flood"')
  })
})

describe('what goes wrong', () => {
  it('status: by default a page of HTML, and the service never hears of the request', async () => {
    add({ kind: 'status', status: 503, retryAfter: 7 })
    const answer = await call('POST', `${cloud.synnefo.url}/compute/v2.0/servers`, { json: {} })
    expect([answer.status, answer.headers['content-type'], answer.headers['retry-after']]).toEqual([
      503,
      'text/html',
      '7',
    ])
    expect(answer.text).toContain('<html>')
  })

  it('status: with a body and type of one’s own, and a date to retry after', async () => {
    const at = new Date('2030-01-02T03:04:05Z')
    add({ kind: 'status', status: 429, body: { why: 'busy' }, retryAfter: at })
    const json = await flavors()
    expect([json.status, json.text, json.headers['content-type']]).toEqual([
      429,
      '{"why":"busy"}',
      'application/json',
    ])
    expect(json.headers['retry-after']).toBe('Wed, 02 Jan 2030 03:04:05 GMT')
    add({ kind: 'status', status: 500, body: '<oops/>', contentType: 'application/xml' })
    const xml = await flavors()
    expect([xml.text, xml.headers['content-type']]).toEqual(['<oops/>', 'application/xml'])
    add({ kind: 'status', status: 204, body: 'never seen' })
    expect((await flavors()).text).toBe('')
  })

  it('delay: handles the request later', async () => {
    add({ kind: 'delay', ms: 60 })
    const began = performance.now()
    expect((await flavors()).status).toBe(200)
    expect(performance.now() - began).toBeGreaterThanOrEqual(59)
  })

  it('delay: never handles it when the client has left', async () => {
    add({ kind: 'delay', ms: 50 }, { method: 'POST' })
    // Answered after the time at which the creation would have been handled.
    add({ kind: 'delay', ms: 100 }, { method: 'GET' })
    const leave = hangingPost()
    await until(() => cloud.requests({ method: 'POST' }).length === 1)
    leave()
    expect(await servers()).toEqual([])
    expect(cloud.requests({ method: 'POST' })[0]?.status).toBeUndefined()
  })

  it('slow first byte: handles it at once and holds the answer back', async () => {
    add({ kind: 'slow-first-byte', ms: 60_000 }, { method: 'POST' })
    const leave = hangingPost()
    await until(async () => (await servers()).length === 1)
    expect(cloud.requests({ method: 'POST' })[0]?.status).toBeUndefined()
    leave()
  })

  it('slow first byte: answers in the end', async () => {
    add({ kind: 'slow-first-byte', ms: 60 })
    const began = performance.now()
    expect((await flavors()).status).toBe(200)
    expect(performance.now() - began).toBeGreaterThanOrEqual(59)
  })

  it('reset: handles the request and answers nothing', async () => {
    add({ kind: 'reset' })
    await expect(postServer()).rejects.toMatchObject({
      code: expect.stringMatching(/ECONNRESET|UND_ERR_SOCKET/) as string,
    })
    expect((await servers()).length).toBe(1)
    expect(cloud.requests({ method: 'POST' })[0]).toMatchObject({ faults: ['reset'] })
    add({ kind: 'reset' })
    expect(await raw(flavorsPath)).toEqual({ bytes: '', ending: 'ECONNRESET' })
  })

  it('reset in mid-body: after so many bytes of the true answer', async () => {
    const whole = (await flavors()).text
    add({ kind: 'reset-mid-body', afterBytes: 100 })
    const { bytes, ending } = await raw(flavorsPath)
    const [head, body] = split(bytes)
    expect(ending).toBe('ECONNRESET')
    expect(lengthIn(head)).toBe(whole.length)
    expect(body).toBe(whole.slice(0, 100))
  })

  it('truncated body: promises more than it sends and closes cleanly', async () => {
    const whole = (await flavors()).text
    for (const [afterBytes, sent] of [
      [100, 100],
      [0, 0],
      [1e9, whole.length - 1],
    ] as const) {
      add({ kind: 'truncated-body', afterBytes })
      const { bytes, ending } = await raw(flavorsPath)
      const [head, body] = split(bytes)
      expect([ending, lengthIn(head), body]).toEqual(['closed', whole.length, whole.slice(0, sent)])
    }
  })

  it('malformed body: the true status and type, and half of the true body', async () => {
    const whole = await flavors()
    add({ kind: 'malformed-body' })
    const answer = await flavors()
    expect([answer.status, answer.headers['content-type']]).toEqual([200, whole.headers['content-type']])
    expect(answer.text).toBe(whole.text.slice(0, Math.ceil(whole.text.length / 2)))
    expect(() => answer.json()).toThrow(SyntaxError)
  })

  it('token revoked: the service refuses it in its own words, from then on', async () => {
    const { token } = cloud.synnefo
    add({ kind: 'token-revoked' }, { skip: 1 })
    expect((await flavors()).status).toBe(200)
    const refused = await flavors(token)
    expect([refused.status, refused.json()['fault']?.['message']]).toEqual([401, 'UNAUTHORIZED'])
    expect((await flavors(token)).status).toBe(401)
    expect((await flavors(cloud.synnefo.renewToken())).status).toBe(200)
  })

  it('clock skew: of the answer’s date', async () => {
    add({ kind: 'clock-skew', ms: 3_600_000 })
    const skewed = Date.parse(String((await flavors()).headers.date))
    const straight = Date.parse(String((await flavors()).headers.date))
    expect(Math.abs(skewed - straight - 3_600_000)).toBeLessThan(10_000)
  })

  it('cut request: after so many bytes of its body', async () => {
    const { url, token, user } = cloud.synnefo
    const object = `${url}/pithos/object-store/v1/${user.id}/cut/data`
    await call('PUT', `${url}/pithos/object-store/v1/${user.id}/cut`, { token })
    const put = (): Promise<Answer> => {
      let sent = 0
      const body = new Readable({
        read() {
          sent += 1
          this.push(sent > 64 ? null : Buffer.alloc(1024, 'x'))
        },
      })
      return call('PUT', object, { token, body, headers: { 'content-type': 'application/octet-stream' } })
    }
    add({ kind: 'cut-request', afterBytes: 10_000 })
    await expect(put()).rejects.toThrow()
    const [cut] = cloud.requests({ method: 'PUT', path: /data$/ })
    expect(cut?.status).toBeUndefined()
    expect(cut?.bytes).toBeGreaterThanOrEqual(10_000)
    expect((await call('GET', object, { token })).status).toBe(404)
    expect((await put()).status).toBe(201)
  })

  it('cut request: at its end when it is shorter than that', async () => {
    add({ kind: 'cut-request', afterBytes: 1e6 })
    await expect(postServer()).rejects.toThrow()
  })

  it('several things at once', async () => {
    add([
      { kind: 'slow-first-byte', ms: 50 },
      { kind: 'status', status: 503 },
      { kind: 'clock-skew', ms: -3_600_000 },
    ])
    const began = performance.now()
    const answer = await flavors()
    expect(performance.now() - began).toBeGreaterThanOrEqual(49)
    expect(answer.status).toBe(503)
    expect(Date.parse(String(answer.headers.date))).toBeLessThan(Date.now() - 3_000_000)
  })

  it('cuts streamed answers, too', async () => {
    const { url, token, user } = cloud.synnefo
    const account = `${url}/pithos/object-store/v1/${user.id}`
    await call('PUT', `${account}/streams`, { token })
    const content = 'abcdefgh'.repeat(1000)
    const made = await call('PUT', `${account}/streams/data`, {
      token,
      body: content,
      headers: { 'content-type': 'text/plain' },
    })
    expect([made.status, made.text]).toEqual([201, ''])
    const path = `/pithos/object-store/v1/${user.id}/streams/data`
    for (const [kind, ending] of [
      ['reset-mid-body', 'ECONNRESET'],
      ['truncated-body', 'closed'],
    ] as const) {
      add({ kind, afterBytes: 3000 })
      const cut = await raw(path)
      const [head, body] = split(cut.bytes)
      expect([cut.ending, lengthIn(head), body]).toEqual([ending, 8000, content.slice(0, 3000)])
    }
    expect((await call('GET', `${account}/streams/data`, { token })).text).toBe(content)
  })
})

describe('the record', () => {
  it('keeps what was received', async () => {
    const { token } = cloud.synnefo
    const began = Date.now()
    await flavors()
    await call('POST', `${cloud.synnefo.authUrl}/tokens?a=b`, { json: { auth: { token: { id: token } } } })
    const [first, second] = cloud.requests()
    expect(first).toMatchObject({
      cloud: 'synnefo',
      method: 'GET',
      path: flavorsPath,
      search: '',
      status: 200,
      bytes: 0,
      faults: [],
    })
    expect(first?.headers['x-auth-token']).toBe(token)
    expect(first?.at).toBeGreaterThanOrEqual(began)
    expect(second).toMatchObject({ method: 'POST', search: 'a=b', status: 200 })
    expect(second?.bytes).toBe(JSON.stringify({ auth: { token: { id: token } } }).length)
    expect(cloud.requests({ method: 'post' })).toHaveLength(1)
    expect(cloud.requests({ path: '/compute/*' })).toHaveLength(1)
    expect(cloud.requests({ path: /tokens$/ })).toHaveLength(1)
    expect(cloud.requests({ cloud: 'stackit' })).toEqual([])
    expect(cloud.requests({ since: Date.now() + 1000 })).toEqual([])
  })

  it('forgets the oldest', async () => {
    const small = await startCloud({ clouds: ['synnefo'], recordLimit: 3 })
    for (let page = 0; page < 8; page += 1) {
      await call('GET', `${small.synnefo.url}/compute/?page=${String(page)}`)
    }
    expect(small.requests().map(({ search }) => search)).toEqual(['page=5', 'page=6', 'page=7'])
    await small.close()
  })
})

describe('start and close', () => {
  it('ends open connections at once', async () => {
    add({ kind: 'slow-first-byte', ms: 60_000 })
    const hanging = flavors().catch((error: unknown) => error)
    await until(() => cloud.requests().length === 1)
    const began = performance.now()
    await cloud.close()
    await cloud.close()
    expect(await hanging).toBeInstanceOf(Error)
    expect(performance.now() - began).toBeLessThan(5000)
  })

  it('leaves no files behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skystream-test-'))
    vi.stubEnv('TMPDIR', folder)
    try {
      const own = await startCloud({ clouds: ['synnefo'], synnefo: { blockSize: 1024, memoryLimit: 1024 } })
      const { url, token, user } = own.synnefo
      const container = `${url}/pithos/object-store/v1/${user.id}/big`
      await call('PUT', container, { token })
      const headers = { 'content-type': 'application/octet-stream' }
      const body = randomBytes(64 * 1024)
      expect((await call('PUT', `${container}/data`, { token, headers, body })).status).toBe(201)
      expect(await readdir(folder)).toHaveLength(1)
      await own.close()
      expect(await readdir(folder)).toEqual([])
    } finally {
      vi.unstubAllEnvs()
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('says which cloud was not started', async () => {
    const only = await startCloud({ clouds: ['stackit'] })
    expect(() => only.synnefo).toThrow('The synnefo cloud was not started')
    await only.close()
    await expect(startCloud({ clouds: ['nimbus' as 'synnefo'] })).rejects.toThrow('"nimbus"')
  })

  it('takes a port, and fails when it is taken', async () => {
    const port = Number(new URL(cloud.synnefo.url).port)
    await expect(startCloud({ clouds: ['synnefo'], ports: { synnefo: port } })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
    await cloud.close()
    const again = await startCloud({ clouds: ['synnefo'], ports: { synnefo: port } })
    expect(again.synnefo.url).toBe(`http://127.0.0.1:${String(port)}`)
    await again.close()
  })

  it('has a wall clock that may be wrong', async () => {
    const skewed = await startCloud({
      clouds: ['synnefo'],
      skewMs: 3_600_000,
      synnefo: { tokenLifetimeMs: 60_000 },
    })
    const { synnefo } = skewed
    const answer = await call('POST', `${synnefo.authUrl}/tokens`, {
      json: { auth: { token: { id: synnefo.token } } },
    })
    expect(answer.status).toBe(200)
    const ahead = [answer.headers.date, answer.json()['access']?.['token']?.['expires']].map(
      (date) => Date.parse(text(date)) - Date.now(),
    )
    expect(ahead[0]).toBeGreaterThan(3_590_000)
    expect(ahead[1]).toBeGreaterThan(3_650_000 - 10_000)
    await skewed.close()
  })
})

const server = () => ({
  server: { name: 'a', flavorRef: 1, imageRef: cloud.synnefo.images[0]?.id },
})
const postServer = (): Promise<Answer> =>
  call('POST', `${cloud.synnefo.url}/compute/v2.0/servers`, { token: cloud.synnefo.token, json: server() })
async function servers(): Promise<readonly unknown[]> {
  const answer = await call('GET', `${cloud.synnefo.url}/compute/v2.0/servers`, {
    token: cloud.synnefo.token,
  })
  return [...(answer.json()['servers'] ?? [])]
}
/** Asks for a server; the returned function leaves before the answer. */
function hangingPost(): () => void {
  const body = JSON.stringify(server())
  const request = httpRequest(`${cloud.synnefo.url}/compute/v2.0/servers`, {
    method: 'POST',
    headers: {
      'x-auth-token': cloud.synnefo.token,
      'content-type': 'application/json',
      'content-length': body.length,
    },
  })
  request.on('error', () => undefined)
  request.end(body)
  return () => {
    request.destroy()
  }
}
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve))
}
