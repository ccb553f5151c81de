import { concat, concatMap, defer, EMPTY, forkJoin, ignoreElements, of, tap, type Observable } from 'rxjs'
import type { RunningHash } from '../../../../streams/hasher.js'
import type { Piece } from '../../../../streams/piece-intake.js'
import { abandonHash } from '../../../../streams/pieces.js'
import { endOf, type Download, type Part, type Run } from './job.js'

/** Writes the pieces of a run, and verifies its parts. */
export interface Verifying {
  /** To be called with the pieces in their order; none of them is of two parts. */
  readonly take: (piece: Piece) => Observable<never>
  /** The first part was there as a whole. */
  finish(): Observable<never>
  /** Lets go of what is not verified. */
  readonly leave: () => void
}

/** @param wrong - gets the parts that are not what they should be */
export function createVerifying(
  { hasher, sink, report, travelled, given }: Download,
  { parts, begun }: Run,
  wrong: Part[],
): Verifying {
  const open = new Set<RunningHash>(begun === undefined ? [] : [begun.hash])
  let turn = 0
  let hash = begun?.hash

  const begin = ({ md5 }: Part): RunningHash | undefined => {
    if (md5 === undefined) return undefined
    const running = hasher.begin('md5')
    open.add(running)
    return running
  }
  const end = (part: Part, running: RunningHash | undefined): Observable<never> => {
    const { index, length } = part
    const reused = index === parts[0]?.index ? (begun?.bytes ?? 0) : 0
    const accept = (): void => {
      report.accepted({ bytes: 0, parts: 1, reusedBytes: 0, travelledBytes: 0 })
    }
    if (running === undefined) {
      return defer(() => {
        accept()
        report.unverified(index, length)
        return EMPTY
      })
    }
    return defer(() => {
      open.delete(running)
      return running.digest()
    }).pipe(
      concatMap((md5) => {
        if (md5 === part.md5) {
          travelled.add(md5)
          accept()
        } else {
          wrong.push(part)
          report.accepted({ bytes: -length, parts: 0, reusedBytes: -reused, travelledBytes: 0 })
        }
        return EMPTY
      }),
    )
  }
  /** The hash of the part that is under way; the next one has its own. */
  const next = (): void => {
    turn += 1
    hash = undefined
  }

  return {
    take: ({ offset, bytes }) =>
      defer(() => {
        const part = parts[turn]
        if (part === undefined) return EMPTY
        const running = (hash ??= begin(part))
        const isLast = offset + bytes.length === endOf(part)
        if (isLast) next()
        const { length } = bytes
        given.bytes += length
        const taken = forkJoin([running?.update(bytes) ?? of(undefined), sink.write(offset, bytes)]).pipe(
          tap(() => {
            report.accepted({ bytes: length, parts: 0, reusedBytes: 0, travelledBytes: length })
          }),
          ignoreElements(),
        )
        return isLast ? concat(taken, end(part, running)) : taken
      }),
    finish: () =>
      defer(() => {
        const [part] = parts
        const running = hash
        next()
        return part === undefined ? EMPTY : end(part, running)
      }),
    leave: () => {
      for (const running of open) abandonHash(running)
      open.clear()
    },
  }
}
