import { Observable } from 'rxjs'
import {
  ConfigurationError,
  isCloudError,
  isHttpError,
  TokenError,
  TransferError,
  type Checkpoint,
  type CloudError,
  type CloudName,
} from '../errors.js'
import type { CallOptions, Retry } from '../http/types.js'
import { abortable } from '../operators/abortable.js'
import type { Runtime } from '../runtime.js'
import { conflateProgress } from './conflate-progress.js'
import type { TransferEvent } from './events.js'
import { createMeter, type Accepted } from './transfer-meter.js'

/** Milliseconds between two events of progress. */
const PROGRESS_INTERVAL_MS = 100
const DEFAULT_CONCURRENCY = 4

/** How a transfer may differ from the client's configuration; `retry`, `timeout` and `headers` are those of each request. */
export interface TransferOptions extends Omit<CallOptions, 'onRetry'> {
  /** Parts under way at a time; as many blocks are held in memory. Default 4. */
  readonly concurrency?: number
}

export function concurrencyOf({ concurrency = DEFAULT_CONCURRENCY }: TransferOptions): number {
  if (Number.isInteger(concurrency) && concurrency > 0) return concurrency
  throw new TypeError('options.concurrency: expected a positive whole number')
}

/** The options of a single request of a transfer. The signal is that of the whole. */
export function requestOptions(
  { signal: _whole, retry, timeout, headers }: TransferOptions,
  onRetry: (retry: Retry) => void,
): CallOptions {
  return {
    ...(retry === undefined ? {} : { retry }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(headers === undefined ? {} : { headers }),
    onRetry,
  }
}

/** Where the steps of a transfer tell what they did. */
export interface TransferReport {
  /** Work begins, or begins anew: what is accepted from here on is counted from zero, but never told to have fallen. */
  planned(totalBytes: number, totalParts: number, checkpoint?: Checkpoint): void
  /** The length of a stream is known now. */
  measured(totalBytes: number, totalParts: number): void
  hashing(bytes: number, totalBytes: number): void
  accepted(what: Accepted): void
  retrying(retry: Retry, part?: number): void
  unverified(part: number, bytes: number): void
}

/**
 * Makes a stream of events of a transfer.
 *
 * - First event: as soon as `run` reports one. Progress is told at most ten times a second, each time the newest, and
 *   always before `done`.
 * - `run` emits the result once and completes: that is `done`. Its error is the error of the stream.
 * - Unsubscribing, or aborting the signal, unsubscribes from `run`.
 *
 * @param run - called at each subscription
 */
export function transfer<R>(
  { scheduler }: Runtime,
  { signal }: TransferOptions,
  run: (report: TransferReport) => Observable<R>,
): Observable<TransferEvent<R>> {
  const told = new Observable<TransferEvent<R>>((subscriber) => {
    const meter = createMeter(scheduler)
    const report: TransferReport = {
      planned: (totalBytes, totalParts, checkpoint) => {
        meter.plan(totalBytes, totalParts)
        subscriber.next({
          kind: 'planned',
          totalBytes,
          totalParts,
          ...(checkpoint === undefined ? {} : { checkpoint }),
        })
      },
      measured: (totalBytes, totalParts) => {
        meter.measure(totalBytes, totalParts)
        subscriber.next(meter.progress())
      },
      hashing: (bytes, totalBytes) => {
        subscriber.next(meter.hashing(bytes, totalBytes))
      },
      accepted: (what) => {
        meter.accept(what)
        subscriber.next(meter.progress())
      },
      retrying: (retry, part) => {
        subscriber.next({ kind: 'retrying', ...(part === undefined ? {} : { part }), ...retry })
      },
      unverified: (part, bytes) => {
        meter.doubt(bytes)
        subscriber.next({ kind: 'unverified', part, bytes })
      },
    }
    let result: { readonly value: R } | undefined
    return run(report).subscribe({
      next: (value) => {
        result = { value }
      },
      error: (error: unknown) => {
        subscriber.error(error)
      },
      complete: () => {
        // Only now is everything closed and in its place.
        if (result !== undefined) subscriber.next(meter.done(result.value))
        subscriber.complete()
      },
    })
  })
  const events = told.pipe(conflateProgress(PROGRESS_INTERVAL_MS, scheduler))
  return signal === undefined ? events : events.pipe(abortable(signal))
}

/** A failed attempt that is followed by another one at once. */
export function immediateRetry(attempt: number, error: CloudError): Retry {
  return { attempt, delayMs: 0, error }
}

/** Which transfer it was that stopped, and where. */
export interface Interruption {
  /** `upload of pithos/a.iso` */
  readonly what: string
  readonly cloud: CloudName
  readonly operation: string
  readonly part?: number | undefined
  readonly checkpoint?: Checkpoint | undefined
}

/**
 * The error of a transfer that was stopped by another error: a `TransferError` with that one as its cause. What refuses the
 * whole, rather than stopping it on the way, stays what it is; so does what is no `CloudError`, such as the reason
 * of a signal.
 */
export function interrupted(error: unknown, { what, ...context }: Interruption): unknown {
  if (!isCloudError(error) || (context.part === undefined && isRefusal(error))) return error
  const inner = error instanceof TransferError ? error : undefined
  const part = inner?.part ?? context.part
  const where = part === undefined ? '' : ` at part ${part}`
  const message = inner?.operation === undefined ? `${what} stopped${where}: ${error.message}` : inner.message
  return new TransferError(message, {
    ...context,
    part,
    checkpoint: inner?.checkpoint ?? context.checkpoint,
    cause: inner === undefined ? error : inner.cause,
    retryable: error.retryable,
  })
}

function isRefusal(error: CloudError): boolean {
  if (error instanceof ConfigurationError || error instanceof TokenError) return true
  return isHttpError(error) && error.status < 500
}
