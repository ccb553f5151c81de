import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { alice, bob, fault, pattern, putObject, startStore, type Answer, type Store } from './pithos-store.js'

const path = `${alice.id}/files/form`
const BOUNDARY = '----x-form'
let store: Store

beforeEach(async () => {
  store = await startStore({ bodyLimit: 20_000 })
  await store.ask('PUT', `${alice.id}/files`)
})
afterEach(() => store.close())

interface Part {
  readonly name: string
  readonly file?: string
  readonly type?: string
  readonly content: string | Uint8Array
}

function form(...parts: readonly Part[]): Buffer {
  const lines = parts.flatMap(({ name, file, type, content }) => [
    Buffer.from(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"` +
        `${file === undefined ? '' : `; filename="${file}"`}\r\n` +
        `${type === undefined ? '' : `Content-Type: ${type}\r\n`}\r\n`,
    ),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([...lines, Buffer.from(`--${BOUNDARY}--\r\n`)])
}

/** As a browser does: the token is in the query. */
function send(body: Buffer, pieceLength = body.length, target = path): Promise<Answer> {
  const chunks: Buffer[] = []
  for (let at = 0; at < body.length; at += pieceLength) chunks.push(body.subarray(at, at + pieceLength))
  return store.ask('POST', `${target}?X-Auth-Token=alice`, {
    as: null,
    headers: { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}` },
    chunks,
  })
}

describe('an HTML form', () => {
  const content = Buffer.concat([
    pattern(1000),
    Buffer.from(`\r\n--${BOUNDARY.slice(0, -1)}\r\n`),
    pattern(1500),
  ])
  const file: Part = { name: 'X-Object-Data', file: 'a b.txt', type: 'text/x-notes', content }

  it.each([[1], [7], [1024], [8192]])('creates an object, in pieces of %i bytes', async (pieceLength) => {
    const body = form({ name: 'comment', content: 'X-Object-Data' }, file, { name: 'more', content: 'x' })
    const answer = await send(body, pieceLength)
    const got = await store.ask('GET', path)
    expect([answer.status, answer.text]).toEqual([201, got.headers.etag])
    expect(answer.headers).toMatchObject({
      etag: got.headers.etag,
      'x-object-version': got.headers['x-object-version'],
    })
    expect(got.body).toEqual(content)
    expect(got.headers['content-type']).toBe('text/x-notes')
  })

  it('may bring an empty file, of no type', async () => {
    const body = form({ name: 'X-Object-Data', file: '', content: '' })
    expect((await send(body)).text).toBe(createHash('sha256').digest('hex'))
    const { headers } = await store.ask('HEAD', path)
    expect([headers['content-length'], headers['content-type']]).toEqual(['0', 'application/octet-stream'])
  })

  it('replaces an object with its metadata, and keeps its UUID', async () => {
    await putObject(store, path, 'old', { headers: { 'X-Object-Meta-Colour': 'red' } })
    const before = (await store.ask('HEAD', path)).headers
    expect((await send(form(file))).status).toBe(201)
    const after = (await store.ask('HEAD', path)).headers
    expect(after['x-object-uuid']).toBe(before['x-object-uuid'])
    expect(after['x-object-meta-colour']).toBeUndefined()
  })

  it.each([
    ['without the field', form({ name: 'Data', file: 'x', content: 'x' })],
    ['whose field is no file', form({ name: 'X-Object-Data', content: 'x' })],
    ['that is none', Buffer.from('--x--')],
    ['with endless headers', Buffer.concat([Buffer.from(`--${BOUNDARY}\r\n`), pattern(17_000)])],
  ])('%s is refused', async (_, body) => {
    expect(fault(await send(body))).toMatchObject({ name: 'badRequest', code: 400 })
    expect((await store.ask('HEAD', path)).status).toBe(404)
  })

  it('needs a boundary, a container, permission, and must not be too long', async () => {
    const body = form(file)
    const without = await store.ask('POST', path, {
      body,
      headers: { 'Content-Type': 'multipart/form-data' },
    })
    expect(without.status).toBe(400)
    expect((await send(body, body.length, `${alice.id}/absent/form`)).status).toBe(404)
    expect((await send(body, body.length, `${bob.id}/files/form`)).status).toBe(403)
    const long = form({ ...file, content: pattern(20_001) })
    expect(fault(await send(long))).toMatchObject({ code: 400, message: 'Maximum size is reached' })
  })
})
