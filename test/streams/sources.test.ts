import { appendFileSync, mkdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { TransferError } from '../../src/errors.js'
import { sourceOf, type OpenSource, type SourceInput } from '../../src/streams/sources.js'
import { openFilesIn, useFolder } from './folder.js'

const path = useFolder()
const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 256)

async function readAll(source: OpenSource, part: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for (let offset = 0; ; offset += part) {
    const read = await source.read(offset, part, new Uint8Array(part))
    parts.push(read.slice())
    if (read.length < part) return Buffer.concat(parts)
  }
}

function webStream(
  chunks: readonly unknown[],
  onCancel: () => void = () => undefined,
): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk as Uint8Array)
      controller.close()
    },
    cancel: onCancel,
  })
}

describe('random access', () => {
  const inputs: readonly (readonly [string, () => SourceInput])[] = [
    ['a path', () => file()],
    ['a file URL', () => pathToFileURL(file())],
    ['bytes', () => bytes],
    ['a Blob', () => new Blob([bytes])],
  ]
  function file(): string {
    writeFileSync(path('in'), bytes)
    return path('in')
  }

  it.each(inputs)('reads any part of %s', async (_name, input) => {
    const source = sourceOf(input(), 'source')
    expect(source.randomAccess).toBe(true)
    const open = await source.open()
    expect(open.size).toBe(1000)
    expect(Buffer.from(await open.read(990, 20, new Uint8Array(20)))).toEqual(
      Buffer.from(bytes.subarray(990)),
    )
    expect(Buffer.from(await open.read(0, 3, new Uint8Array(20)))).toEqual(Buffer.from([0, 1, 2]))
    expect(await readAll(open, 64)).toEqual(Buffer.from(bytes))
    await open.close()
    await open.close()
    expect(openFilesIn(path())).toEqual([])
  })

  it('knows when a file was modified, and that of a File', async () => {
    utimesSync(file(), 1000, 2000)
    const open = await sourceOf(path('in'), 'source').open()
    expect(open.mtimeMs).toBe(2_000_000)
    await open.close()
    const named = Object.assign(new Blob([bytes]), { name: 'in.bin', lastModified: 5 })
    expect((await sourceOf(named, 'source').open()).mtimeMs).toBe(5)
    expect(sourceOf(named, 'source').name).toBe('in.bin')
    expect((await sourceOf(bytes, 'source').open()).mtimeMs).toBeUndefined()
  })

  it('notices when a file changes', async () => {
    const open = await sourceOf(file(), 'source').open()
    expect(await open.changed?.()).toBe(false)
    appendFileSync(path('in'), 'x')
    expect(await open.changed?.()).toBe(true)
    truncateSync(path('in'), 10)
    expect(await open.read(0, 20, new Uint8Array(20))).toHaveLength(10)
    await open.close()
  })

  it('says what cannot be read and why', async () => {
    mkdirSync(path('folder'))
    const cases = [
      [path('folder'), /folder: it is a directory, not a file/],
      ['/dev/null', /null: it is not a file; give a stream instead/],
      [path('nothing'), /nothing: there is no such file/],
      [path('folder/x/y'), /y: there is no such file/],
    ] as const
    for (const [name, message] of cases) {
      const error: unknown = await sourceOf(name, 'source')
        .open()
        .catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(TransferError)
      expect((error as TransferError).message).toMatch(message)
    }
  })

  it('refuses what is no source, naming the argument', () => {
    for (const input of ['', 5, {}, undefined, new URL('https://example.org/x')]) {
      expect(() => sourceOf(input as SourceInput, 'source')).toThrow(/^source: /)
    }
  })
})

describe('streams', () => {
  const inputs: readonly (readonly [string, () => SourceInput])[] = [
    ['a Readable', () => Readable.from([bytes.subarray(0, 3), bytes.subarray(3, 700), bytes.subarray(700)])],
    ['a ReadableStream', () => webStream([bytes.subarray(0, 500), bytes.subarray(500)])],
    ['the stream of a Blob', () => new Blob([bytes]).stream()],
  ]

  it.each(inputs)('reads %s once, from its beginning', async (_name, input) => {
    const source = sourceOf(input(), 'source')
    expect(source.randomAccess).toBe(false)
    const open = await source.open()
    expect(open.size).toBeUndefined()
    expect(await readAll(open, 64)).toEqual(Buffer.from(bytes))
    await expect(open.read(0, 64, new Uint8Array(64))).rejects.toThrow(/read only once/)
    await open.close()
    await expect(source.open()).rejects.toThrow(/read only once/)
  })

  it('answers reads that are asked for together in their order', async () => {
    const open = await sourceOf(Readable.from([bytes]), 'source').open()
    const parts = await Promise.all(
      [0, 400, 800].map((offset) => open.read(offset, 400, new Uint8Array(400))),
    )
    expect(Buffer.concat(parts)).toEqual(Buffer.from(bytes))
    expect(await open.read(1200, 400, new Uint8Array(400))).toHaveLength(0)
  })

  it('reads no further than it is asked to', async () => {
    let pulled = 0
    const endless = new Readable({
      highWaterMark: 1,
      read() {
        pulled += 1
        this.push(bytes)
      },
    })
    const open = await sourceOf(endless, 'source').open()
    await open.read(0, 2500, new Uint8Array(2500))
    expect(pulled).toBeLessThan(8)
    await open.close()
    expect(endless.destroyed).toBe(true)
  })

  it('cancels a stream of the web when it is closed', async () => {
    let cancelled = false
    const open = await sourceOf(
      new ReadableStream({ cancel: () => void (cancelled = true) }),
      'source',
    ).open()
    await open.close()
    expect(cancelled).toBe(true)
  })

  it('passes on what the stream failed with', async () => {
    const failing = new Readable({
      read() {
        this.destroy(new Error('the disk is gone'))
      },
    })
    const open = await sourceOf(failing, 'source').open()
    await expect(open.read(0, 1, new Uint8Array(1))).rejects.toThrow(
      /cannot read the stream: the disk is gone/,
    )
    await expect(open.read(0, 1, new Uint8Array(1))).rejects.toBeInstanceOf(TransferError)
  })

  it('passes on what the stream failed with while nobody was reading', async () => {
    const stream = new Readable({ read: () => undefined })
    const open = await sourceOf(stream, 'source').open()
    stream.destroy(new Error('the disk is gone'))
    await new Promise((closed) => stream.once('close', closed))
    await expect(open.read(0, 1, new Uint8Array(1))).rejects.toThrow(/the disk is gone/)
  })

  it('refuses text, and streams that have ended or are in use', async () => {
    const text = await sourceOf(Readable.from(['text']), 'source').open()
    await expect(text.read(0, 1, new Uint8Array(1))).rejects.toThrow(/strings instead of bytes/)
    const ended = Readable.from([bytes])
    ended.destroy()
    await expect(sourceOf(ended, 'source').open()).rejects.toThrow(/ended already/)
    const locked = webStream([bytes])
    locked.getReader()
    await expect(sourceOf(locked, 'source').open()).rejects.toBeInstanceOf(TransferError)
  })
})
