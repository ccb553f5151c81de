import { createHash, type Hash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'

/** Hashes large pieces on threads of its own, small ones on the spot. Algorithms are called as `node:crypto` calls them. */
export interface Hasher {
  /** How many pieces are hashed at a time. */
  readonly threads: number
  /** The hash of the bytes in lower-case hexadecimal digits. They must not change meanwhile. */
  digest(algorithm: string, bytes: Uint8Array): Promise<string>
  /** Begins a hash of several pieces. */
  begin(algorithm: string): RunningHash
  /** Starts the threads before there is work for them: for who will soon have some. */
  warm(): void
  /** Ends the threads. What is under way is rejected. */
  close(): void
}

/** The hash of pieces that come one after the other. */
export interface RunningHash {
  /** Resolves when the bytes are taken, and may be overwritten. */
  update(bytes: Uint8Array): Promise<void>
  /** Lower-case hexadecimal digits. To be called also when they are not wanted any more: it lets go of what is held. */
  digest(): Promise<string>
}

/** What a thread is told to do; it answers each job with the digest, or with an empty text if this was not the last piece. */
export interface HashJob {
  readonly algorithm: string
  /** Over shared memory at best: anything else is copied. */
  readonly bytes: Uint8Array
  /** Which of the hashes that the thread has begun. */
  readonly running: number
  readonly last: boolean
}

/** Below this many bytes a job for another thread costs more than the hashing itself. */
const SMALL = 32 * 1024
/** More than that many are of no use: no network brings so much. */
const MAX_THREADS = 4
const NOTHING = new Uint8Array()

interface Waiting {
  readonly resolve: (digest: string) => void
  readonly reject: (error: Error) => void
}

/** A thread and its jobs, which it does in the order in which they were given to it. */
class Thread {
  // Without what Node was started with: a loader, or a program on the command line, is none of its business.
  readonly #worker = new Worker(new URL('./hash-worker.js', import.meta.url), { execArgv: [] })
  readonly #jobs: Waiting[] = []

  constructor(onEnd: () => void) {
    const fail = (error: Error): void => {
      onEnd()
      for (const { reject } of this.#jobs.splice(0)) reject(error)
    }
    // A client that nobody closed must not keep the process alive.
    this.#worker.unref()
    this.#worker.on('message', (digest: string) => {
      const job = this.#jobs.shift()
      if (this.#jobs.length === 0) this.#worker.unref()
      job?.resolve(digest)
    })
    this.#worker.on('error', fail)
    this.#worker.on('exit', () => {
      fail(new Error('the hashing thread has ended'))
    })
  }

  get load(): number {
    return this.#jobs.length
  }

  perform(job: HashJob): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#jobs.length === 0) this.#worker.ref()
      this.#jobs.push({ resolve, reject })
      // Of a view, everything below it would be copied.
      const bytes = isShared(job.bytes) ? job.bytes : new Uint8Array(job.bytes)
      this.#worker.postMessage({ ...job, bytes }, isShared(bytes) ? [] : [bytes.buffer])
    })
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }
}

function isShared(bytes: Uint8Array): bytes is Uint8Array<SharedArrayBuffer> {
  return bytes.buffer instanceof SharedArrayBuffer
}

/** Threads are started when there is work for them. */
export function createHasher(threads: number = Math.min(availableParallelism(), MAX_THREADS)): Hasher {
  const running = new Set<Thread>()
  let begun = 0
  let closed = false

  const start = (): Thread => {
    const thread = new Thread(() => running.delete(thread))
    running.add(thread)
    return thread
  }
  /** The one with the least to do; another one, if all have something to do and there may be more. */
  const leastBusy = (): Thread => {
    if (closed) throw new Error('the client is closed')
    const [first] = [...running].sort((one, other) => one.load - other.load)
    return first === undefined || (first.load > 0 && running.size < threads) ? start() : first
  }

  return {
    threads,
    digest: (algorithm, bytes) =>
      bytes.length < SMALL
        ? Promise.resolve(createHash(algorithm).update(bytes).digest('hex'))
        : Promise.resolve().then(() =>
            leastBusy().perform({ algorithm, bytes, running: (begun += 1), last: true }),
          ),
    warm: () => {
      while (!closed && running.size < threads) start()
    },
    begin: (algorithm) => runningHash(algorithm, (begun += 1), leastBusy),
    close: () => {
      closed = true
      for (const thread of running) void thread.end()
    },
  }
}

/** Stays on this thread as long as only small pieces come. */
function runningHash(algorithm: string, number: number, leastBusy: () => Thread): RunningHash {
  let here: Hash | undefined = createHash(algorithm)
  let empty = true
  let thread: Thread | undefined
  const perform = async (bytes: Uint8Array, last: boolean): Promise<string> => {
    thread ??= leastBusy()
    return thread.perform({ algorithm, bytes, running: number, last })
  }
  return {
    update: async (bytes) => {
      if (empty && bytes.length >= SMALL) here = undefined
      empty = false
      if (here === undefined) await perform(bytes, false)
      else here.update(bytes)
    },
    digest: async () => here?.digest('hex') ?? (await perform(NOTHING, true)),
  }
}
