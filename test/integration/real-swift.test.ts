import { createHash } from 'node:crypto'
import { getGlobalDispatcher } from 'undici'
import { expect, it } from 'vitest'
import { describeReal, type SwiftServer, type SwiftUser } from './real-servers.js'
import { describeSwiftTransfers } from './swift-transfers-suite.js'
import { describeSwiftStorage } from './swift-storage-suite.js'

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** The path goes out as it is: names may hold dot segments and double slashes, which a `URL` would eat. */
async function send(
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE',
  url: string,
  headers: Record<string, string> = {},
  body: string | Buffer | null = null,
): Promise<Answer> {
  const { origin } = new URL(url)
  const answer = await getGlobalDispatcher().request({
    origin,
    path: url.slice(origin.length),
    method,
    headers,
    body,
  })
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
}

function header({ headers }: Answer, name: string): string {
  const value = headers[name]
  if (typeof value !== 'string') throw new TypeError(`the answer has no header ${name}`)
  return value
}

function logIn({ authUrl }: SwiftServer, { user, key }: SwiftUser): Promise<Answer> {
  return send('GET', authUrl, { 'x-auth-user': user, 'x-auth-key': key })
}

/** Requests with a token, to paths below the user's account. */
async function connect(server: SwiftServer, user: SwiftUser = server): Promise<typeof send> {
  const answer = await logIn(server, user)
  const storage = header(answer, 'x-storage-url')
  const token = header(answer, 'x-auth-token')
  return (method, path, headers = {}, body = null) =>
    send(method, `${storage}${path}`, { 'x-auth-token': token, ...headers }, body)
}

const md5 = (content: string | Buffer): string => createHash('md5').update(content).digest('hex')

describeReal('swift', (server) => {
  it('logs in by TempAuth, and refuses a wrong key', async () => {
    const { authUrl, account, user } = server()
    const answer = await logIn(server(), server())
    expect(answer.status).toBe(200)
    expect(header(answer, 'x-auth-token')).toMatch(/^AUTH_tk/)
    expect(header(answer, 'x-storage-url')).toBe(`${new URL(authUrl).origin}/v1/${account}`)
    expect(Number(header(answer, 'x-auth-token-expires'))).toBeGreaterThan(86_000)

    expect((await logIn(server(), { user, key: 'wrong', account })).status).toBe(401)
  })

  it('says at /info what it can', async () => {
    const { status, text } = await send('GET', new URL('/info', server().authUrl).href)
    expect(status).toBe(200)
    expect(JSON.parse(text)).toMatchObject({
      swift: { account_autocreate: true, container_listing_limit: 10_000 },
      slo: { max_manifest_segments: 1000, min_segment_size: 1 },
      versioned_writes: {},
      symlink: {},
      bulk_delete: {},
      tempurl: {},
      tempauth: {},
    })
  })

  it('keeps an object, byte for byte, and its name', async () => {
    const storage = await connect(server())
    expect((await storage('PUT', '/kept')).status).toBe(201)
    const path = `/kept/${encodeURIComponent('α β')}//../~.`
    const content = Buffer.from([0, 255, 10, 13, 0])
    const put = await storage('PUT', path, { 'content-type': 'application/x-odd' }, content)
    expect([put.status, header(put, 'etag')]).toEqual([201, md5(content)])

    const got = await storage('GET', path, { range: 'bytes=1-2' })
    expect([got.status, header(got, 'content-range')]).toEqual([206, 'bytes 1-2/5'])
    const listing = await storage('GET', '/kept?format=json')
    expect(JSON.parse(listing.text)).toEqual([
      expect.objectContaining({ name: 'α β//../~.', bytes: 5, hash: md5(content) }),
    ])
  })

  it('joins segments by a manifest, at once and however many', async () => {
    const storage = await connect(server())
    const segments = Array.from({ length: 30 }, (_, index) => `segment ${index}\n`)
    await storage('PUT', '/joined')
    await Promise.all(segments.map((content, index) => storage('PUT', `/joined/parts/${index}`, {}, content)))
    const manifest = segments.map((content, index) => ({
      path: `/joined/parts/${index}`,
      etag: md5(content),
      size_bytes: content.length,
    }))
    const put = await storage('PUT', '/joined/whole?multipart-manifest=put', {}, JSON.stringify(manifest))
    expect([put.status, header(put, 'etag')]).toEqual([201, `"${md5(segments.map(md5).join(''))}"`])
    expect((await storage('GET', '/joined/whole')).text).toBe(segments.join(''))

    const wrong = JSON.stringify([{ ...manifest[0], etag: md5('') }])
    expect((await storage('PUT', '/joined/wrong?multipart-manifest=put', {}, wrong)).status).toBe(400)
  })

  it('keeps accounts apart', async () => {
    const storage = await connect(server())
    await storage('PUT', '/private')
    const other = await logIn(server(), server().other)
    const { status } = await send(
      'GET',
      `${new URL(server().authUrl).origin}/v1/${server().account}/private`,
      { 'x-auth-token': header(other, 'x-auth-token') },
    )
    expect(status).toBe(403)
  })

  describeSwiftStorage(server)
  describeSwiftTransfers(server, {
    large: 256 * 2 ** 20,
    cutAt: 64 * 2 ** 20,
    segmentSize: 4 * 2 ** 20,
    files: 1_000,
  })
})
