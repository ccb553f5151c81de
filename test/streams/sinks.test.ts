import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { PassThrough, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { TransferError } from '../../src/errors.js'
import { memorySink, sinkOf, type SinkInput } from '../../src/streams/sinks.js'
import { openFilesIn, useFolder } from './folder.js'

const path = useFolder()
const hello = Buffer.from('hello')
const world = Buffer.from('world')

describe('a file', () => {
  it('has its name only when it is whole', async () => {
    const open = await sinkOf(path('out'), 'destination').open()
    expect(open.existing).toBe(0)
    await open.resize(12)
    await open.write(7, world)
    await open.write(0, hello)
    expect(existsSync(path('out'))).toBe(false)
    expect(statSync(path('out.part')).size).toBe(12)
    await open.finish()
    await open.close()
    expect(readFileSync(path('out'))).toEqual(Buffer.from('hello\0\0world'))
    expect(existsSync(path('out.part'))).toBe(false)
    expect(openFilesIn(path())).toEqual([])
  })

  it('keeps the part when it is closed before, and reads it back', async () => {
    const sink = sinkOf(pathToFileURL(path('out')), 'destination')
    const first = await sink.open()
    await first.write(0, hello)
    await first.close()
    await first.close()
    expect(existsSync(path('out'))).toBe(false)
    const second = await sink.open()
    expect(second.existing).toBe(5)
    expect(Buffer.from(await second.read(1, 10, Buffer.alloc(10)))).toEqual(Buffer.from('ello'))
    await second.resize(4)
    await second.finish()
    expect(readFileSync(path('out'), 'utf8')).toBe('hell')
  })

  it('takes the place of what had its name', async () => {
    writeFileSync(path('out'), 'old')
    const open = await sinkOf(path('out'), 'destination').open()
    await open.write(0, hello)
    expect(readFileSync(path('out'), 'utf8')).toBe('old')
    await open.finish()
    expect(readFileSync(path('out'), 'utf8')).toBe('hello')
  })

  it('is settled when no write is under way', async () => {
    const open = await sinkOf(path('out'), 'destination').open()
    let written = false
    void open.write(0, Buffer.alloc(1_000_000)).then(() => (written = true))
    await open.settled()
    expect(written).toBe(true)
    await open.close()
  })

  it('says what cannot be written and why', async () => {
    mkdirSync(path('folder'))
    writeFileSync(path('secret'), 'secret')
    symlinkSync(path('secret'), path('linked.part'))
    const cases = [
      ['folder', /folder: it is there, and not a file/],
      ['missing/out', /there is no directory .*missing/],
      ['linked', /cannot write .*linked/],
    ] as const
    for (const [name, message] of cases) {
      const error: unknown = await sinkOf(path(name), 'destination')
        .open()
        .catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(TransferError)
      expect((error as TransferError).message).toMatch(message)
    }
    expect(readFileSync(path('secret'), 'utf8')).toBe('secret')
  })

  it('refuses what is no sink, naming the argument', () => {
    for (const input of ['', 5, {}, undefined, new URL('https://example.org/x')]) {
      expect(() => sinkOf(input as SinkInput, 'destination')).toThrow(/^destination: /)
    }
  })
})

describe('memory', () => {
  it('shows the bytes when all are there', async () => {
    const sink = memorySink()
    const open = await sinkOf(sink, 'destination').open()
    await open.resize(5)
    await open.write(0, hello)
    expect(sink.bytes).toHaveLength(0)
    await open.resize(4)
    expect(Buffer.from(await open.read(1, 9, Buffer.alloc(9))).toString()).toBe('ell')
    await open.finish()
    expect(Buffer.from(sink.bytes).toString()).toBe('hell')
  })

  it('has a limit', async () => {
    const open = await memorySink({ limit: 4 }).open()
    await open.resize(4)
    await expect(open.resize(5)).rejects.toThrow(/limit is 4/)
  })
})

describe('streams', () => {
  it('writes to a Writable, copies, waits for it, and ends it', async () => {
    const stream = new PassThrough({ highWaterMark: 1 })
    const open = await sinkOf(stream, 'destination').open()
    const chunk = Buffer.from(hello)
    const all = buffer(stream)
    const listeners = stream.listenerCount('close')
    await open.write(0, chunk)
    chunk.fill(0)
    await open.write(5, world)
    await open.finish()
    await open.close()
    expect((await all).toString()).toBe('helloworld')
    expect(stream.listenerCount('close')).toBeLessThanOrEqual(listeners)
  })

  it('holds the next write back until the Writable has taken this one', async () => {
    let take: () => void = () => undefined
    const slow = new Writable({
      write(_chunk, _encoding, done) {
        take = done
      },
    })
    const open = await sinkOf(slow, 'destination').open()
    let taken = false
    const writing = open.write(0, hello).then(() => (taken = true))
    await Promise.resolve()
    expect(taken).toBe(false)
    take()
    await writing
    expect(taken).toBe(true)
  })

  it('destroys a Writable that did not get everything', async () => {
    const stream = new PassThrough()
    const open = await sinkOf(stream, 'destination').open()
    await open.write(0, hello)
    await open.close()
    expect(stream.destroyed).toBe(true)
  })

  it('tells that a Writable failed or was closed', async () => {
    const failing = new Writable({
      write(_chunk, _encoding, done) {
        done(new Error('the pipe is broken'))
      },
    })
    const open = await sinkOf(failing, 'destination').open()
    await expect(open.write(0, hello)).rejects.toThrow(/cannot write the stream: the pipe is broken/)
    const closing = new Writable({
      write() {
        this.destroy()
      },
    })
    const other = await sinkOf(closing, 'destination').open()
    await expect(other.write(0, hello)).rejects.toBeInstanceOf(TransferError)
    await expect(sinkOf(closing, 'destination').open()).rejects.toThrow(/ended already/)
  })

  it('writes to a WritableStream and closes it; aborts it otherwise', async () => {
    const chunks: string[] = []
    const states: string[] = []
    const stream = (): WritableStream<Uint8Array> =>
      new WritableStream({
        write: (chunk) => void chunks.push(Buffer.from(chunk).toString()),
        close: () => void states.push('closed'),
        abort: () => void states.push('aborted'),
      })
    const open = await sinkOf(stream(), 'destination').open()
    await open.write(0, hello)
    await open.finish()
    const other = await sinkOf(stream(), 'destination').open()
    await other.write(0, world)
    await other.close()
    expect(chunks).toEqual(['hello', 'world'])
    expect(states).toEqual(['closed', 'aborted'])
  })
})
