import { open, stat, type FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { TransferError } from '../errors.js'

/** What can be uploaded: a path, a `file:` URL, bytes, a `Blob` or `File`, or a stream, which is read only once. */
export type SourceInput = string | URL | Uint8Array | Blob | Readable | WebReadable

/** A `ReadableStream` of the web, as far as it is needed here. */
export interface WebReadable {
  getReader(): {
    read(): Promise<{ readonly value?: unknown }>
    cancel(reason?: unknown): Promise<void>
  }
}

/** Where the bytes of a transfer come from. */
export interface Source {
  /** For messages. */
  readonly name: string
  /** Whether any part can be read at any time, and again. If not: once, from the first byte to the last. */
  readonly randomAccess: boolean
  /** Rejects with a `TransferError` that says what cannot be read, and why. */
  open(): Promise<OpenSource>
}

export interface OpenSource {
  /** Bytes; absent for a stream, whose end shows where it is. */
  readonly size?: number
  /** Milliseconds since the epoch; absent where nobody keeps it. */
  readonly mtimeMs?: number
  /**
   * Reads `length` bytes, or fewer where the source ends.
   *
   * @param into - at least `length` bytes that the result may lie in; sources that hold their bytes do not need it
   */
  read(offset: number, length: number, into: Uint8Array): Promise<Uint8Array>
  /** Whether the source is another one than it was when opened. */
  changed?(): Promise<boolean>
  /** Waits for reads under way. Does nothing the second time. */
  close(): Promise<void>
}

/** Makes a source of what the caller gave. Throws a `TypeError` that names the argument if it is none of those. */
export function sourceOf(input: SourceInput, argument: string): Source {
  if (typeof input === 'string') {
    if (input === '') throw new TypeError(`${argument}: the path is empty`)
    return pathSource(input)
  }
  if (input instanceof URL) return pathSource(pathOf(input, argument))
  if (input instanceof Uint8Array) return bytesSource(input)
  if (input instanceof Blob) return blobSource(input)
  if (input instanceof Readable) return streamSource('the stream', () => readableChunks(input))
  if (isWebReadable(input)) return streamSource('the stream', () => webChunks(input))
  throw new TypeError(`${argument}: expected a path, a file URL, bytes, a Blob or a readable stream`)
}

function isWebReadable(input: unknown): input is WebReadable {
  return typeof input === 'object' && input !== null && 'getReader' in input
}

/** The path that a `file:` URL stands for. */
export function pathOf(url: URL, argument: string): string {
  if (url.protocol !== 'file:') throw new TypeError(`${argument}: expected a file: URL, not ${url.protocol}`)
  return fileURLToPath(url)
}

// --- random access ----------------------------------------------------------------------------------------

function pathSource(path: string): Source {
  return {
    name: path,
    randomAccess: true,
    open: async () => {
      try {
        // Opening a pipe would wait for its other end.
        const { size, mtimeMs } = checkKind(path, await stat(path))
        return openFile(await open(path, 'r'), size, mtimeMs)
      } catch (error) {
        throw unreadable(path, error)
      }
    },
  }
}

function checkKind<T extends { isFile(): boolean; isDirectory(): boolean }>(path: string, stats: T): T {
  if (stats.isDirectory()) throw new TransferError(`cannot read ${path}: it is a directory, not a file`)
  if (!stats.isFile()) throw new TransferError(`cannot read ${path}: it is not a file; give a stream instead`)
  return stats
}

function openFile(file: FileHandle, size: number, mtimeMs: number): OpenSource {
  let closing: Promise<void> | undefined
  return {
    size,
    mtimeMs,
    read: (offset, length, into) => readFully(file, offset, length, into),
    changed: async () => {
      const now = await file.stat()
      return now.size !== size || now.mtimeMs !== mtimeMs
    },
    close: () => (closing ??= file.close()),
  }
}

/** Reads until the length or the end of the file is reached: a single read may give less. */
export async function readFully(
  file: FileHandle,
  offset: number,
  length: number,
  into: Uint8Array,
): Promise<Uint8Array> {
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(into, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return into.subarray(0, filled)
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'part of the path is not a directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory, not a file',
  ENOSPC: 'no space is left',
  EROFS: 'the file system is read-only',
}

/** Why the operating system refused, in words. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return reasons[code] ?? error.message
}

function unreadable(name: string, error: unknown): TransferError {
  if (error instanceof TransferError) return error
  return new TransferError(`cannot read ${name}: ${reasonOf(error)}`, { cause: error })
}

function bytesSource(bytes: Uint8Array): Source {
  return {
    name: 'the bytes',
    randomAccess: true,
    open: () =>
      Promise.resolve({
        size: bytes.length,
        read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
        close: () => Promise.resolve(),
      }),
  }
}

function blobSource(blob: Blob): Source {
  const file = 'lastModified' in blob && typeof blob.lastModified === 'number' ? blob.lastModified : undefined
  return {
    name: 'name' in blob && typeof blob.name === 'string' ? blob.name : 'the Blob',
    randomAccess: true,
    open: () =>
      Promise.resolve({
        size: blob.size,
        ...(file === undefined ? {} : { mtimeMs: file }),
        read: async (offset, length) =>
          new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
        close: () => Promise.resolve(),
      }),
  }
}

// --- one-shot ---------------------------------------------------------------------------------------------

/** A stream, seen as chunks that are asked for one after the other. */
interface Chunks {
  /** `undefined` at the end. */
  next(): Promise<unknown>
  cancel(): Promise<void>
}

function streamSource(name: string, chunksOf: () => Chunks): Source {
  let used = false
  return {
    name,
    randomAccess: false,
    open: () =>
      new Promise((resolve, reject) => {
        try {
          if (used) throw readTwice(name)
          used = true
          resolve(openStream(name, chunksOf()))
        } catch (error) {
          reject(unreadable(name, error))
        }
      }),
  }
}

function openStream(name: string, chunks: Chunks): OpenSource {
  let position = 0
  let ended = false
  let rest: Uint8Array = new Uint8Array()
  let last: Promise<unknown> = Promise.resolve()
  let closing: Promise<void> | undefined

  const fill = async (offset: number, length: number, into: Uint8Array): Promise<Uint8Array> => {
    if (ended && offset >= position) return into.subarray(0, 0)
    if (offset !== position) throw readTwice(name)
    let filled = 0
    while (filled < length) {
      if (rest.length === 0) {
        const chunk = await chunks.next()
        if (chunk === undefined) {
          ended = true
          break
        }
        rest = checkChunk(name, chunk)
      }
      const part = rest.subarray(0, length - filled)
      into.set(part, filled)
      filled += part.length
      rest = rest.subarray(part.length)
    }
    position += filled
    return into.subarray(0, filled)
  }

  return {
    // Reads may be asked for together, and are done in their order.
    read: (offset, length, into) => {
      const turn = last.then(() => fill(offset, length, into))
      const reading = turn.catch((error: unknown) => {
        throw unreadable(name, error)
      })
      // After a failure every read that follows fails as well.
      last = reading
      return reading
    },
    close: () => (closing ??= chunks.cancel()),
  }
}

function readTwice(name: string): TransferError {
  return new TransferError(`cannot read ${name} again: a stream is read only once`)
}

function checkChunk(name: string, chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk
  throw new TransferError(`cannot read ${name}: it gives ${typeof chunk}s instead of bytes`)
}

function readableChunks(stream: Readable): Chunks {
  if (stream.destroyed || stream.readableEnded) throw new Error('it has ended already')
  // Told by the next read; without a listener it would end the process as well.
  stream.on('error', ignore)
  const iterator = stream[Symbol.asyncIterator]() as AsyncIterator<unknown, undefined>
  return {
    next: async () => (await iterator.next()).value,
    cancel: () => {
      stream.destroy()
      return Promise.resolve()
    },
  }
}

function webChunks(stream: WebReadable): Chunks {
  const reader = stream.getReader()
  return {
    next: async () => (await reader.read()).value,
    cancel: () => reader.cancel().catch(ignore),
  }
}

function ignore(): void {
  return
}
