import type { SchedulerLike, Subscriber, Subscription } from 'rxjs'
import { isCloudError, isTransient, TransferError, type CloudError, type CloudName } from '../errors.js'
import type { Retry } from '../http/types.js'
import type { TransferEvent } from './events.js'
import type { FileAction, TransferManyEvent, TransferSummary } from './many-events.js'
import { createMeter } from './transfer-meter.js'

/** Milliseconds between two events of progress. */
const PROGRESS_INTERVAL_MS = 100
/** Errors that are kept for the one at the end. */
const MAX_ERRORS = 100
/** Files that its message names. */
const NAMED_FAILURES = 3

/** A file under way, and what is counted of it. */
export interface FileCount {
  readonly path: string
  bytes: number
  totalBytes: number
  reusedBytes: number
}

/** Which transfer it is. */
export interface ManyLabel {
  /** `upload of big/ to pithos/backup` */
  readonly what: string
  readonly cloud: CloudName
  readonly operation: string
}

/** Counts and tells what becomes of many files. */
export interface ManyReport<R> {
  readonly failedFiles: number
  /** More was found. */
  found(files: number, bytes: number): void
  /** That was all. */
  foundAll(): void
  begin(path: string, bytes: number): FileCount
  /** What the transfer of a file tells; `done` among it. */
  tell(file: FileCount, event: Exclude<TransferEvent<R>, { readonly kind: 'done' }>): void
  transferred(
    file: FileCount,
    action: FileAction,
    event: Extract<TransferEvent<R>, { readonly kind: 'done' }>,
  ): void
  /** Nothing had to be transferred. */
  settled(file: FileCount, action: FileAction): void
  failed(path: string, error: CloudError, file?: FileCount): void
  passed(path: string, action: 'removed' | 'skipped', reason?: string): void
  retrying(retry: Retry, path?: string): void
  /** All that waits to be told is told. */
  flush(): void
  done(): void
  /** The error of a transfer of which some files failed. */
  failure(label: ManyLabel): TransferError
}

export function createManyReport<R>(
  subscriber: Subscriber<TransferManyEvent<R>>,
  scheduler: SchedulerLike,
): ManyReport<R> {
  const startedAt = scheduler.now()
  const meter = createMeter(scheduler)
  const active = new Set<FileCount>()
  const counts = { uploaded: 0, downloaded: 0, unchanged: 0, removed: 0, skipped: 0 }
  const failures: { readonly path: string; readonly error: CloudError }[] = []
  let failedFiles = 0
  let totalFiles = 0
  let totalBytes = 0
  let unverifiedBytes = 0
  let complete = false
  let planned = false
  const progress = paced(subscriber, scheduler, (): TransferManyEvent<R> => {
    const { bytes, totalBytes: total, parts: files, reusedBytes, bytesPerSecond } = meter.progress()
    return {
      kind: 'progress',
      files,
      failedFiles,
      totalFiles,
      bytes,
      totalBytes: total,
      reusedBytes,
      bytesPerSecond,
      complete,
      active: Array.from(active, (file) => ({
        path: file.path,
        bytes: file.bytes,
        totalBytes: Math.max(file.totalBytes, file.bytes),
      })),
    }
  })

  const plan = (files: number, bytes: number): void => {
    totalFiles += files
    totalBytes += bytes
    meter.measure(totalBytes, totalFiles)
  }
  const expect = (file: FileCount, bytes: number): void => {
    if (bytes === file.totalBytes || !Number.isFinite(bytes)) return
    plan(0, bytes - file.totalBytes)
    file.totalBytes = bytes
  }
  const advance = (file: FileCount, bytes: number, reusedBytes: number): void => {
    const more = Math.max(0, bytes - file.bytes)
    const reused = reusedBytes - file.reusedBytes
    file.bytes += more
    file.reusedBytes = reusedBytes
    meter.accept({ bytes: more, parts: 0, reusedBytes: reused, travelledBytes: Math.max(0, more - reused) })
  }
  const end = (file: FileCount, action: FileAction): void => {
    active.delete(file)
    counts[action] += 1
    meter.accept({ bytes: 0, parts: 1, reusedBytes: 0, travelledBytes: 0 })
  }

  return {
    get failedFiles() {
      return failedFiles
    },
    found: (files, bytes) => {
      plan(files, bytes)
      if (!planned) subscriber.next({ kind: 'planned', totalFiles, totalBytes, complete })
      planned = true
      progress.changed()
    },
    foundAll: () => {
      complete = true
      subscriber.next({ kind: 'planned', totalFiles, totalBytes, complete })
    },
    begin: (path, bytes) => {
      const file: FileCount = { path, bytes: 0, totalBytes: bytes, reusedBytes: 0 }
      active.add(file)
      return file
    },
    tell: (file, event) => {
      const { path } = file
      switch (event.kind) {
        case 'planned':
          expect(file, event.totalBytes)
          break
        case 'progress':
          advance(file, event.bytes, event.reusedBytes)
          progress.changed()
          break
        case 'retrying':
        case 'unverified':
          subscriber.next({ path, ...event })
          break
        case 'hashing':
      }
    },
    transferred: (file, action, { bytes, reusedBytes, unverifiedBytes: unverified, result }) => {
      expect(file, bytes)
      advance(file, bytes, reusedBytes)
      unverifiedBytes += unverified
      end(file, action)
      subscriber.next({ kind: 'file', path: file.path, action, result })
      progress.changed()
    },
    settled: (file, action) => {
      if (action === 'unchanged') advance(file, file.totalBytes, file.totalBytes)
      end(file, action)
      subscriber.next({ kind: 'file', path: file.path, action })
      progress.changed()
    },
    failed: (path, error, file) => {
      if (file !== undefined) active.delete(file)
      failedFiles += 1
      if (failures.length < MAX_ERRORS) failures.push({ path, error })
      subscriber.next({ kind: 'failed', path, error })
      progress.changed()
    },
    passed: (path, action, reason) => {
      counts[action] += 1
      subscriber.next({ kind: 'file', path, action, ...(reason === undefined ? {} : { reason }) })
    },
    retrying: (retry, path) => {
      subscriber.next({ kind: 'retrying', ...(path === undefined ? {} : { path }), ...retry })
    },
    flush: () => {
      progress.flush()
    },
    done: () => {
      progress.flush()
      const { bytes, reusedBytes } = meter.progress()
      const elapsedMs = Math.max(0, scheduler.now() - startedAt)
      const summary: TransferSummary = { ...counts, bytes, reusedBytes, unverifiedBytes, elapsedMs }
      subscriber.next({ kind: 'done', result: summary })
    },
    failure: ({ what, ...context }) => {
      const named = failures.slice(0, NAMED_FAILURES).map(({ path, error }) => `${path}: ${error.message}`)
      const more = failedFiles > named.length ? `; and ${failedFiles - named.length} more` : ''
      const message = `${what}: ${failedFiles} failed: ${named.join('; ')}${more}`
      const errors = failures.map(({ error }) => error)
      return new TransferError(message, {
        ...context,
        retryable: errors.some(isTransient),
        cause: new AggregateError(errors, `the first ${errors.length} of ${failedFiles} failures`),
      })
    },
  }
}

/** Every error of a file as one of ours. */
export function cloudErrorOf(error: unknown): CloudError {
  if (isCloudError(error)) return error
  return new TransferError(error instanceof Error ? error.message : String(error), { cause: error })
}

/** Tells the newest at most once in an interval, made only when it is told. */
function paced<E>(
  subscriber: Subscriber<E>,
  scheduler: SchedulerLike,
  newest: () => E,
): { changed(): void; flush(): void } {
  let waiting = false
  let timer: Subscription | undefined
  let quietUntil = -Infinity
  const flush = (): void => {
    timer?.unsubscribe()
    timer = undefined
    if (!waiting) return
    waiting = false
    quietUntil = scheduler.now() + PROGRESS_INTERVAL_MS
    subscriber.next(newest())
  }
  subscriber.add(() => timer?.unsubscribe())
  return {
    flush,
    changed: () => {
      waiting = true
      if (timer !== undefined) return
      const wait = quietUntil - scheduler.now()
      if (wait <= 0) flush()
      else timer = scheduler.schedule(flush, wait)
    },
  }
}
