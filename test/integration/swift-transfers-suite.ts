import { spawn } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { lastValueFrom, toArray, type Observable } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSwift, type SwiftClient, type SwiftStorage } from '../../src/clients/synnefo/swift.js'
import { memorySink } from '../../src/index.js'
import { useFolder } from '../streams/folder.js'
import type { SwiftPlace } from './swift-storage-suite.js'
import type { SwiftTransferPlan } from './swift-transfer-program.js'

export interface TransferScale {
  /** Bytes of the file that is cut off and continued. */
  readonly large: number
  /** Bytes after which. */
  readonly cutAt: number
  readonly segmentSize: number
  /** Small files in a folder. */
  readonly files: number
}

const MIB = 2 ** 20
const all = <T>(source: Observable<T>): Promise<T[]> => lastValueFrom(source.pipe(toArray()))
const last = <T>(source: Observable<T>): Promise<T> => lastValueFrom(source)

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** Moving files to Swift and back, against whatever speaks its protocol. */
export function describeSwiftTransfers(place: () => SwiftPlace, scale: TransferScale): void {
  const path = useFolder()
  let client: SwiftClient
  let storage: SwiftStorage
  let containers = 0

  beforeAll(() => {
    const { authUrl, user, key } = place()
    client = createSwift({ authUrl, user, key })
    storage = client.storage
  })
  afterAll(() => {
    client.close()
  })

  const container = async (): Promise<string> => {
    const name = `transfers-${String(++containers)}`
    await last(storage.containers.create(name))
    return name
  }
  function makeFile(name: string, size: number): string {
    const file = openSync(path(name), 'w')
    const noise = randomFillSync(Buffer.alloc(MIB))
    for (let offset = 0; offset < size; offset += MIB) {
      noise.writeDoubleLE(offset)
      writeSync(file, noise, 0, Math.min(MIB, size - offset))
    }
    closeSync(file)
    return path(name)
  }

  /** Runs a transfer in another process until so many bytes are accepted, and kills it; how many that were. */
  async function killAt(
    bytes: number,
    plan: Pick<SwiftTransferPlan, 'direction' | 'path' | 'target'>,
  ): Promise<number> {
    const { authUrl, user, key } = place()
    const { segmentSize } = scale
    const whole: SwiftTransferPlan = { authUrl, user, key, segmentSize, ...plan }
    const program = fileURLToPath(new URL('./swift-transfer-program.ts', import.meta.url))
    const child = spawn(process.execPath, ['--import', 'tsx', program, JSON.stringify(whole)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let accepted = 0
    for await (const line of createInterface({ input: child.stdout })) {
      accepted = Number(line)
      if (accepted < bytes) continue
      child.kill('SIGKILL')
      break
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    expect(child.signalCode).toBe('SIGKILL')
    return accepted
  }

  describe('a large file', () => {
    it('goes up and comes back, over two processes that were killed', { timeout: 180_000 }, async () => {
      const { large, cutAt, segmentSize } = scale
      const target = `${await container()}/large`
      const file = makeFile('large', large)
      const sent = await killAt(cutAt, { direction: 'upload', path: file, target })
      expect(sent).toBeLessThan(large)
      await expect(last(storage.info(target))).rejects.toMatchObject({ status: 404 })

      const up = await last(storage.upload(file, target, { segmentSize }))
      if (up.kind !== 'done') throw new Error(up.kind)
      // What the killed one was told to be there is there.
      expect(up.reusedBytes).toBeGreaterThanOrEqual(sent)
      expect(up.bytes).toBe(large)
      expect(await last(storage.info(target))).toMatchObject({ bytes: large, isStatic: true })

      const again = await last(storage.upload(file, target, { segmentSize }))
      expect(again).toMatchObject({ kind: 'done', reusedBytes: large })

      const copy = path('copy')
      await killAt(cutAt, { direction: 'download', path: copy, target })
      expect(existsSync(copy)).toBe(false)
      const down = await last(storage.download(target, copy))
      if (down.kind !== 'done') throw new Error(down.kind)
      expect(down.reusedBytes).toBeGreaterThan(0)
      expect(down.unverifiedBytes).toBe(0)
      expect(await md5Of(copy)).toBe(await md5Of(file))
    })

    it('sends only the segment that was changed, and leaves no orphans', { timeout: 60_000 }, async () => {
      const segmentSize = MIB
      const name = await container()
      const target = `${name}/changed`
      const file = makeFile('file', 8 * MIB)
      await last(storage.upload(file, target, { segmentSize }))
      const descriptor = openSync(file, 'r+')
      writeSync(descriptor, 'changed', 3 * MIB)
      closeSync(descriptor)
      const done = await last(storage.upload(file, target, { segmentSize }))
      expect(done).toMatchObject({ kind: 'done', reusedBytes: 7 * MIB })
      expect(await all(storage.list(`${name}_segments`))).toHaveLength(8)
      await last(storage.download(target, path('copy')))
      expect(await md5Of(path('copy'))).toBe(await md5Of(file))

      await last(storage.remove(target))
      expect(await all(storage.list(`${name}_segments`))).toEqual([])
    })

    it('comes as a stream, and goes into one', { timeout: 60_000 }, async () => {
      const target = `${await container()}/stream`
      const file = makeFile('file', 5 * MIB + 7)
      const up = await last(storage.upload(createReadStream(file), target, { segmentSize: MIB }))
      expect(up).toMatchObject({ kind: 'done', bytes: 5 * MIB + 7 })
      const stream = new PassThrough()
      const [content] = await Promise.all([buffer(stream), last(storage.download(target, stream))])
      expect(content.equals(readFileSync(file))).toBe(true)
    })
  })

  describe('any file', () => {
    it.each([
      ['nothing', 0],
      ['one byte', 1],
      ['64 KiB', 65_536],
      ['a byte more', 65_537],
      ['a segment', MIB],
      ['a segment and a byte', MIB + 1],
    ])('of %s is the same when it is back', async (_name, size) => {
      const target = `${await container()}/a//b/../ü %41`
      const file = makeFile('file', size)
      const up = await last(storage.upload(file, target, { segmentSize: MIB, contentType: 'text/x' }))
      expect(up).toMatchObject({ kind: 'done', bytes: size, result: { bytes: size } })
      const sink = memorySink()
      await last(storage.download(target, sink))
      expect(readFileSync(file).equals(sink.bytes)).toBe(true)
      expect(await last(storage.info(target))).toMatchObject({ bytes: size, contentType: 'text/x' })
    })

    it('replaces nothing, if it is told so', async () => {
      const target = `${await container()}/a`
      await last(storage.upload(Buffer.from('first'), target))
      for (const content of [Buffer.from('second'), Buffer.alloc(3 * MIB, 'second')]) {
        const refused = last(storage.upload(content, target, { ifNoneMatch: '*', segmentSize: MIB }))
        await expect(refused).rejects.toMatchObject({ status: 412 })
      }
      expect(await last(storage.info(target))).toMatchObject({ bytes: 5 })
    })
  })

  describe('a folder', () => {
    it('of many small files goes up and comes back', { timeout: 120_000 }, async () => {
      const target = `${await container()}/folder`
      mkdirSync(path('in/deep'), { recursive: true })
      for (let index = 0; index < scale.files; index += 1) {
        writeFileSync(
          path(`in/${index % 2 === 0 ? 'deep/' : ''}file ${String(index)}`),
          `content ${String(index)}`,
        )
      }
      const up = await last(storage.uploadMany(path('in'), target))
      expect(up).toMatchObject({ kind: 'done', result: { uploaded: scale.files } })
      const down = await last(storage.downloadMany(target, path('out')))
      expect(down).toMatchObject({ kind: 'done', result: { downloaded: scale.files } })
      for (let index = 0; index < scale.files; index += 1) {
        const name = `${index % 2 === 0 ? 'deep/' : ''}file ${String(index)}`
        expect(readFileSync(path(`out/${name}`), 'utf8')).toBe(`content ${String(index)}`)
      }
      const sync = await last(storage.syncUp(path('in'), target))
      expect(sync).toMatchObject({ kind: 'done', result: { unchanged: scale.files, uploaded: 0 } })
    })

    it('with a large file is compared segment by segment', { timeout: 60_000 }, async () => {
      const name = await container()
      mkdirSync(path('in'))
      makeFile('in/large', 70 * MIB)
      await last(storage.syncUp(path('in'), name))
      expect(await last(storage.info(`${name}/large`))).toMatchObject({ isStatic: true })
      const same = await last(storage.syncUp(path('in'), name))
      expect(same).toMatchObject({ kind: 'done', result: { unchanged: 1, uploaded: 0 } })
      const down = await last(storage.syncDown(name, path('out')))
      expect(down).toMatchObject({ kind: 'done', result: { downloaded: 1 } })
      expect(statSync(path('out/large')).size).toBe(70 * MIB)
      const removed = await last(storage.syncUp(path('out'), `${name}/`, { remove: true }))
      expect(removed).toMatchObject({ kind: 'done', result: { unchanged: 1 } })
    })
  })
}
