import { constants, open, rename, stat, type FileHandle } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Writable } from 'node:stream'
import { TransferError } from '../errors.js'
import { pathOf, readFully, reasonOf } from './sources.js'

/** Where a download can go: a path, a `file:` URL, a stream, or a sink such as `memorySink()`. */
export type SinkInput = string | URL | Writable | WebWritable | Sink

/** A `WritableStream` of the web, as far as it is needed here. */
export interface WebWritable {
  getWriter(): {
    readonly ready: Promise<unknown>
    readonly closed: Promise<unknown>
    write(chunk: Uint8Array): Promise<void>
    close(): Promise<void>
    abort(reason?: unknown): Promise<void>
  }
}

/** Where the bytes of a transfer go. */
export interface Sink {
  /** For messages. */
  readonly name: string
  /** Whether any part can be written at any time. If not: from the first byte to the last. */
  readonly randomAccess: boolean
  /** Rejects with a `TransferError` that says what cannot be written, and why. */
  open(): Promise<OpenSink>
  /** Does all that an open sink would be asked for, at once: whatever was there, this is the content. */
  store?(content: Uint8Array): Promise<void>
}

export interface OpenSink {
  /** Bytes that an attempt before this one left, and that can be read and kept. */
  readonly existing: number
  /** Makes it so long, with zeros wherever nothing was written. Of no effect on streams. */
  resize(size: number): Promise<void>
  /**
   * Reads back what was written or left; only with random access.
   *
   * @param into - at least `length` bytes that the result may lie in
   */
  read(offset: number, length: number, into: Uint8Array): Promise<Uint8Array>
  /** Resolves when the bytes are taken, and may be overwritten by the caller. */
  write(offset: number, bytes: Uint8Array): Promise<void>
  /** Resolves when no write is under way any more, also of those that nobody waits for. */
  settled(): Promise<void>
  /** Everything is there: makes it durable and visible. */
  finish(): Promise<void>
  /** Lets go; what is not finished stays invisible. Does nothing the second time, or after `finish`. */
  close(): Promise<void>
}

/** Makes a sink of what the caller gave. Throws a `TypeError` that names the argument if it is none of those. */
export function sinkOf(input: SinkInput, argument: string, options: FileSinkOptions = {}): Sink {
  if (typeof input === 'string') {
    if (input === '') throw new TypeError(`${argument}: the path is empty`)
    return fileSink(input, options)
  }
  if (input instanceof URL) return fileSink(pathOf(input, argument), options)
  if (input instanceof Writable) return streamSink(() => nodeEnd(input))
  if (isWebWritable(input)) return streamSink(() => webEnd(input))
  if (isSink(input)) return input
  throw new TypeError(`${argument}: expected a path, a file URL, a writable stream or a sink`)
}

function isWebWritable(input: unknown): input is WebWritable {
  return typeof input === 'object' && input !== null && 'getWriter' in input
}

function isSink(input: unknown): input is Sink {
  return typeof input === 'object' && input !== null && 'open' in input && 'randomAccess' in input
}

function unwritable(name: string, error: unknown): TransferError {
  if (error instanceof TransferError) return error
  return new TransferError(`cannot write ${name}: ${reasonOf(error)}`, { cause: error })
}

function nothing(): void {
  return
}

// --- a file -----------------------------------------------------------------------------------------------

export interface FileSinkOptions {
  /**
   * Whether a file gets its name only when its content has reached the disk. Default false: as with other programs that write files,
   * a power cut soon afterwards may leave one that lacks some of it.
   */
  readonly durable?: boolean | undefined
}

/** Read and written, made if it is not there, kept as it is if it is; never through a link that somebody laid. */
const PART_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW

/**
 * A file. Until it is whole it is `name.part` beside it, which stays there if the transfer is cut off, for the next
 * one to go on with; then it takes its name in one step, in place of what had it before.
 */
export function fileSink(path: string, { durable = false }: FileSinkOptions = {}): Sink {
  return {
    name: path,
    randomAccess: true,
    open: async () => {
      const target = resolve(path)
      try {
        await checkTarget(path, target)
        return await openPart(path, target, await open(`${target}.part`, PART_FLAGS, 0o666), durable)
      } catch (error) {
        throw unwritable(path, error)
      }
    },
    store: async (content) => {
      const target = resolve(path)
      try {
        const file = await open(`${target}.part`, PART_FLAGS | constants.O_TRUNC, 0o666)
        try {
          await writeFully(file, 0, content)
          if (durable) await file.sync()
        } finally {
          await file.close()
        }
        await rename(`${target}.part`, target)
        if (durable) await syncDirectory(dirname(target))
      } catch (error) {
        throw unwritable(path, error)
      }
    },
  }
}

async function checkTarget(path: string, target: string): Promise<void> {
  const parent = await stat(dirname(target)).catch(nothing)
  if (parent?.isDirectory() !== true) {
    throw new TransferError(`cannot write ${path}: there is no directory ${dirname(target)}`)
  }
  const present = await stat(target).catch(nothing)
  if (present?.isFile() === false)
    throw new TransferError(`cannot write ${path}: it is there, and not a file`)
}

async function openPart(path: string, target: string, file: FileHandle, durable: boolean): Promise<OpenSink> {
  const pending = new Set<Promise<void>>()
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= file.close())
  const { size: existing } = await file.stat()

  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      throw unwritable(path, error)
    }
  }

  return {
    existing,
    resize: (size) => attempt(() => file.truncate(size)),
    read: (offset, length, into) => readFully(file, offset, length, into),
    write: (offset, bytes) => {
      const writing = attempt(() => writeFully(file, offset, bytes))
      pending.add(writing)
      const forget = (): void => {
        pending.delete(writing)
      }
      writing.then(forget, forget)
      return writing
    },
    settled: async () => {
      await Promise.allSettled(pending)
    },
    finish: () =>
      attempt(async () => {
        if (durable) await file.sync()
        await close()
        await rename(`${target}.part`, target)
        if (durable) await syncDirectory(dirname(target))
      }),
    close,
  }
}

async function writeFully(file: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, offset + written)
    written += bytesWritten
  }
}

/** So that the new name survives a power cut; not every system lets directories be opened. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(nothing)
  await directory?.sync().catch(nothing)
  await directory?.close()
}

// --- memory -----------------------------------------------------------------------------------------------

export interface MemorySink extends Sink {
  /** What was downloaded; empty until the transfer is done. */
  readonly bytes: Uint8Array
}

/**
 * Keeps a download in memory.
 *
 * @param options.limit - bytes at most; a larger object is refused. Default 64 MiB
 */
export function memorySink({ limit = 64 * 2 ** 20 }: { readonly limit?: number } = {}): MemorySink {
  let whole = new Uint8Array()
  return {
    name: 'memory',
    randomAccess: true,
    get bytes() {
      return whole
    },
    open: () => {
      let content = new Uint8Array()
      return Promise.resolve({
        existing: 0,
        resize: (size) => {
          if (size > limit) {
            const message = `cannot hold ${size} bytes in memory: the limit is ${limit}`
            return Promise.reject(new TransferError(message))
          }
          const before = content
          content = new Uint8Array(size)
          content.set(before.subarray(0, size))
          return Promise.resolve()
        },
        read: (offset, length) => Promise.resolve(content.subarray(offset, offset + length)),
        write: (offset, bytes) => {
          content.set(bytes, offset)
          return Promise.resolve()
        },
        settled: () => Promise.resolve(),
        finish: () => {
          whole = content
          return Promise.resolve()
        },
        close: () => Promise.resolve(),
      })
    },
  }
}

// --- streams ----------------------------------------------------------------------------------------------

/** The writing end of a stream. */
interface End {
  /** Resolves when the stream wants more. */
  write(bytes: Uint8Array): Promise<void>
  finish(): Promise<void>
  abort(): Promise<void>
}

function streamSink(endOf: () => End): Sink {
  const name = 'the stream'
  const refusing = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw unwritable(name, error)
    }
  }
  return {
    name,
    randomAccess: false,
    open: () =>
      refusing(async () => {
        const end = await Promise.resolve().then(endOf)
        let ended = false
        return {
          existing: 0,
          resize: () => Promise.resolve(),
          read: () => Promise.reject(new TransferError(`cannot read back from ${name}`)),
          // A copy: the stream may keep the bytes for as long as it likes.
          write: (_offset, bytes) => refusing(() => end.write(new Uint8Array(bytes))),
          settled: () => Promise.resolve(),
          finish: () => {
            ended = true
            return refusing(() => end.finish())
          },
          close: async () => {
            if (!ended) await end.abort()
            ended = true
          },
        }
      }),
  }
}

function nodeEnd(stream: Writable): End {
  if (!stream.writable) throw new Error('it has ended already')
  const isTerminal = stream === process.stdout || stream === process.stderr
  // Errors are told by the callbacks; without a listener they would end the process as well.
  stream.on('error', nothing)
  const settle = (begin: (done: (error?: Error | null) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      const closed = (): void => {
        reject(stream.errored ?? new Error('it was closed before everything was written'))
      }
      stream.once('close', closed)
      begin((error) => {
        stream.off('close', closed)
        if (error === undefined || error === null) resolve()
        else reject(error)
      })
    })
  return {
    write: (bytes) => settle((done) => stream.write(bytes, done)),
    finish: async () => {
      if (!isTerminal) await settle((done) => stream.end(done))
      stream.off('error', nothing)
    },
    abort: () => {
      if (!isTerminal) stream.destroy()
      return Promise.resolve()
    },
  }
}

function webEnd(stream: WebWritable): End {
  const writer = stream.getWriter()
  writer.closed.catch(nothing)
  return {
    write: async (bytes) => {
      await writer.ready
      await writer.write(bytes)
    },
    finish: () => writer.close(),
    abort: () => writer.abort().catch(nothing),
  }
}
