import { defer, EMPTY, finalize, Observable, type Observer, type Subscriber } from 'rxjs'
import { ConfigurationError, isHttpError, TokenError, TransferError, type CloudError } from '../errors.js'
import type { Retry } from '../http/types.js'
import { abortable } from '../operators/abortable.js'
import { countOption } from '../operators/option-values.js'
import { ownedBy } from '../operators/owned-by.js'
import type { Runtime } from '../runtime.js'
import type { TransferEvent } from './events.js'
import type { Feed } from './feed.js'
import type { FileAction, TransferManyEvent } from './many-events.js'
import {
  cloudErrorOf,
  createManyReport,
  type FileCount,
  type ManyLabel,
  type ManyReport,
} from './many-report.js'
import { interrupted, type TransferOptions } from './transfer.js'

/** How many files are moved. `retry`, `timeout` and `headers` are those of each request. */
export interface TransferManyOptions extends TransferOptions {
  /** Files under way at a time. Large ones count for more, so that memory stays that of as many small ones. Default 8. */
  readonly concurrency?: number
  /** Whether the other files are transferred when one has failed. Default `'continue'`. */
  readonly onError?: 'continue' | 'stop'
}

/** A file to be moved, or one of which is only told. */
export type Work<R> =
  | Move<R>
  | { readonly kind: 'skipped'; readonly path: string; readonly reason: string }
  | { readonly kind: 'failed'; readonly path: string; readonly error: CloudError }

export interface Move<R> {
  readonly kind: 'move'
  readonly path: string
  readonly bytes: number
  readonly action: FileAction
  /** @param parts - of the file at a time; one for a small file */
  readonly move: (parts: number) => Observable<MoveEvent<R>>
}

/** What moving a file tells: all of a transfer, or at its end that none was needed. */
export type MoveEvent<R> = TransferEvent<R> | Settled
export interface Settled {
  readonly kind: 'settled'
  readonly action: FileAction
}

/** What follows when all files are moved. */
export type Afterwards =
  | { readonly kind: 'removed'; readonly path: string }
  | { readonly kind: 'failed'; readonly path: string; readonly error: CloudError }

/** What is to be done, for one subscription. */
export interface ManyJob<R> {
  readonly feed: Feed<Work<R>>
  /** Done only if nothing has failed. */
  readonly afterwards?: Observable<Afterwards>
  /** Whether an error of one file is that of all. */
  readonly isFatal?: (error: CloudError) => boolean
}

export type TellRetry = (retry: Retry, path?: string) => void

const DEFAULT_FILES = 8
const PARTS_OF_A_FILE = 4
/** What a part is taken to have at most, in bytes, when files are weighed against each other. */
const PART_BYTES = 4 * 2 ** 20
/** Work that is known ahead of its turn, so that the totals tell something early. */
const LOOK_AHEAD = 5_000

/** Checks what can be wrong before anything is subscribed to. */
function filesAtATime({ concurrency = DEFAULT_FILES, onError = 'continue' }: TransferManyOptions): number {
  if (!['continue', 'stop'].includes(onError)) {
    throw new TypeError(`options.onError: expected 'continue' or 'stop', not ${onError}`)
  }
  return countOption('options.concurrency', concurrency, 1)
}

/**
 * Moves many files at a time, and tells of all in one stream.
 *
 * - First event: `planned`, with the first files that are found. Progress is told at most ten times a second.
 * - Completion: after `done`, when all files are moved, and what is to follow is done.
 * - Errors: when files failed, after all others are moved, a `TransferError` with the first hundred as its cause. At once: what
 *   concerns all - no token, no space, no more quota, a listing or a folder that cannot be read - and with
 *   `onError: 'stop'` the first failure.
 * - Teardown: all transfers under way are unsubscribed from.
 *
 * @param start - called at each subscription
 */
export function transferMany<R>(
  { scheduler }: Runtime,
  options: TransferManyOptions,
  label: ManyLabel,
  start: (retrying: TellRetry) => ManyJob<R>,
): Observable<TransferManyEvent<R>> {
  const files = filesAtATime(options)
  const events = new Observable<TransferManyEvent<R>>((subscriber) => {
    const report = createManyReport<R>(subscriber, scheduler)
    const job = start((retry, path) => {
      report.retrying(retry, path)
    })
    run(subscriber, report, job, { files, label, stopAtFirst: options.onError === 'stop' })
  })
  return options.signal === undefined ? events : events.pipe(abortable(options.signal))
}

interface Rules {
  readonly files: number
  readonly label: ManyLabel
  readonly stopAtFirst: boolean
}

function run<R>(
  subscriber: Subscriber<TransferManyEvent<R>>,
  report: ManyReport<R>,
  { feed, afterwards = EMPTY, isFatal }: ManyJob<R>,
  { files, label, stopAtFirst }: Rules,
): void {
  const parts = Math.max(files, PARTS_OF_A_FILE)
  let known: readonly Work<R>[] = []
  let next = 0
  let isAll = false
  let isAsking = false
  let isRunning = false
  let filesInUse = 0
  let partsInUse = 0

  const stop = (error: unknown): void => {
    report.flush()
    subscriber.error(error)
  }
  const fail = (path: string, error: CloudError, file?: FileCount): void => {
    report.failed(path, error, file)
    if (concernsAll(error) || isFatal?.(error) === true) stop(error)
    else if (stopAtFirst) stop(report.failure(label))
  }
  const subscribe = <T>(source: Observable<T>, observer: Observer<T>): void => {
    subscriber.add(ownedBy(source, subscriber).subscribe(observer))
  }

  const ask = (): void => {
    isAsking = true
    isAll = true
    subscribe(defer(feed), {
      next: (more) => {
        isAll = false
        known = [...known.slice(next), ...more]
        next = 0
        const moves = more.filter((work) => work.kind === 'move')
        report.found(
          moves.length,
          moves.reduce((sum, { bytes }) => sum + bytes, 0),
        )
      },
      error: (error) => {
        stop(interrupted(error, label))
      },
      complete: () => {
        isAsking = false
        if (isAll) report.foundAll()
        goOn()
      },
    })
  }

  const move = (work: Move<R>, share: number): void => {
    const file = report.begin(work.path, work.bytes)
    let last: Extract<MoveEvent<R>, { readonly kind: 'done' | 'settled' }> | undefined
    let error: unknown
    filesInUse += 1
    partsInUse += share
    const end = (): void => {
      filesInUse -= 1
      partsInUse -= share
      if (subscriber.closed) return
      if (last === undefined)
        fail(work.path, cloudErrorOf(error ?? new TransferError('it ended without a result')), file)
      else if (last.kind === 'settled') report.settled(file, last.action)
      else report.transferred(file, work.action, last)
      goOn()
    }
    // The next one begins only when this one has let go of everything.
    const moving = defer(() => work.move(share)).pipe(finalize(end))
    subscribe(moving, {
      next: (event) => {
        if (event.kind === 'done' || event.kind === 'settled') last = event
        else report.tell(file, event)
      },
      error: (reason) => {
        last = undefined
        error = reason
      },
      complete: () => undefined,
    })
  }

  /** Does one thing that can be done now; whether there was one. */
  const step = (): boolean => {
    const work = known[next]
    if (work?.kind === 'move') {
      const share = Math.min(PARTS_OF_A_FILE, Math.max(1, Math.ceil(work.bytes / PART_BYTES)))
      if (filesInUse < files && partsInUse + share <= parts) {
        next += 1
        move(work, share)
        return true
      }
    } else if (work !== undefined) {
      next += 1
      if (work.kind === 'skipped') report.passed(work.path, 'skipped', work.reason)
      else fail(work.path, work.error)
      return true
    }
    if (isAll || isAsking || known.length - next >= LOOK_AHEAD) return false
    ask()
    return true
  }

  // A loop, so that work that ends at once does not grow the stack.
  const goOn = (): void => {
    if (isRunning) return
    isRunning = true
    while (!subscriber.closed && step());
    isRunning = false
    if (!subscriber.closed && isAll && !isAsking && filesInUse === 0) finish()
  }

  const conclude = (): void => {
    if (report.failedFiles > 0) {
      stop(report.failure(label))
      return
    }
    report.done()
    subscriber.complete()
  }
  const finish = (): void => {
    if (report.failedFiles > 0) {
      conclude()
      return
    }
    subscribe(afterwards, {
      next: (event) => {
        if (event.kind === 'removed') report.passed(event.path, 'removed')
        else fail(event.path, event.error)
      },
      error: (error) => {
        stop(interrupted(error, label))
      },
      complete: conclude,
    })
  }

  goOn()
}

/** Codes of the operating system for a disk that takes nothing more. */
const fullOrLocked: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EROFS']

/** What fails one file for a reason that all others would fail for as well; it may be a few causes deep. */
function concernsAll(error: unknown, depth = 4): boolean {
  if (depth === 0 || !(error instanceof Error)) return false
  if (error instanceof ConfigurationError || error instanceof TokenError) return true
  if (isHttpError(error, 401) || isHttpError(error, 413)) return true
  if ('code' in error && fullOrLocked.includes(error.code)) return true
  return concernsAll(error.cause, depth - 1)
}
