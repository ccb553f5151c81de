import { catchError, concat, concatMap, defer, EMPTY, map, throwError, type Observable } from 'rxjs'
import { isHttpError, TransferError } from '../../../../errors.js'
import { call } from '../../../../http/api.js'
import type { Runtime } from '../../../../runtime.js'
import { lengthWithoutTrailingNuls } from '../../../../streams/hashing.js'
import { immediateRetry, requestOptions } from '../../../../streams/transfer.js'
import { newObjectHeaders } from '../../storage/headers.js'
import { postBlock, putHashmap } from '../block-operations.js'
import type { BlockShape } from '../blocks.js'
import { BlocksChanged, describeContainer, type Plan, type Upload } from './job.js'

/** How often a block is sent that the server stores under another hash. */
const MAX_SENDINGS = 3

/**
 * Sends a block until the server stores it under its hash; completes then.
 *
 * @param check - what to look at before it is sent again: fails if that would be of no use
 */
export function sendBlock(
  job: Upload,
  plan: Plan,
  { index, hash, block }: { readonly index: number; readonly hash: string; readonly block: Uint8Array },
  check: Observable<never>,
): Observable<never> {
  const { report } = job
  const send = (sending: number): Observable<never> =>
    postBlockOf(job, block, index).pipe(
      concatMap((stored) => {
        if (stored.length === 1 && stored[0] === hash) return EMPTY
        const error = new TransferError('the server stored a block under another hash than its own', {
          part: index,
        })
        const again = defer(() => {
          if (sending === MAX_SENDINGS) return throwError(() => error)
          report.retrying(immediateRetry(sending, error), index)
          return send(sending + 1)
        })
        return concat(check, checkShape(job, plan), again)
      }),
    )
  return send(1)
}

/** Zeros at the end are the same block without them; but no bytes are no block (pithos dossier 9.3). */
function postBlockOf(job: Upload, block: Uint8Array, part: number): Observable<readonly string[]> {
  const { api, name, options, report } = job
  const content = block.subarray(0, Math.max(1, lengthWithoutTrailingNuls(block)))
  const told = requestOptions(options, (retry) => {
    report.retrying(retry, part)
  })
  // Blocks belong to no container, but only those of one's own account may be posted to (pithos dossier 9.3).
  return call(api, postBlock, { container: name.container, block: content }, told)
}

/** Fails with `BlocksChanged` if the container has another block size or hash than the plan. */
export function checkShape(job: Upload, { blockSize, blockHash }: BlockShape): Observable<never> {
  return describeContainer(job).pipe(
    concatMap((container) =>
      container.blockSize === blockSize && container.blockHash === blockHash
        ? EMPTY
        : throwError(() => new BlocksChanged(container)),
    ),
  )
}

/**
 * Emits which of the hashes the server lacks. A hash that nothing has is among those that it is told, so that it never puts an object
 * together from them, and answers with what is missing before it looks at anything else (pithos dossier 9.3).
 */
export function askMissing(
  job: Upload,
  plan: Plan,
  hashes: readonly string[],
): Observable<readonly string[]> {
  const { api, name, options, report } = job
  return defer(() => {
    const told = requestOptions(options, (retry) => {
      report.retrying(retry)
    })
    const unheardOf = randomHash(api.runtime, hashes[0]?.length ?? 0)
    const question = {
      name,
      bytes: (hashes.length + 1) * plan.blockSize,
      hashes: [...hashes, unheardOf],
      headers: newObjectHeaders({}),
    }
    return call(api, putHashmap, question, told).pipe(
      catchError((error: unknown) => {
        const fail = throwError(() => error)
        return isHttpError(error, 400) ? concat(checkShape(job, plan), fail) : fail
      }),
      map((answer) => {
        if (answer.kind === 'missing') return answer.hashes
        throw new TransferError('the server has put an object together from a block that it cannot have')
      }),
    )
  })
}

function randomHash({ random }: Runtime, length: number): string {
  return Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('')
}

export function lostBlocks(hashes: readonly string[]): TransferError {
  const some = hashes.slice(0, 3).join(', ')
  return new TransferError(`the server still misses blocks that were sent: ${hashes.length}, such as ${some}`)
}
