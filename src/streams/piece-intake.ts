import { concat, defer, EMPTY, ignoreElements, mergeMap, Subject, type Observable } from 'rxjs'
import type { BodySink } from '../http/types.js'

/** Bytes that lie together, in a buffer that is theirs until they are dealt with. */
export interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Takes bytes as they come, one after the other, and hands them on in pieces. */
export interface PieceIntake {
  /** Where the next bytes belong. */
  position(): number
  /** Takes them; false if there is no room for more until `resume` is called. They may be overwritten. */
  readonly write: BodySink['write']
  /** No more bytes come. */
  end(): void
  /** To be subscribed to before the first bytes come: hands the pieces on, and completes when the last one is dealt with. */
  readonly work: Observable<never>
}

export interface PieceIntakeOptions {
  /** All of one size, that of a piece. */
  readonly buffers: readonly Uint8Array[]
  /** Where the first bytes belong. */
  readonly start: number
  /** Where a piece that begins at an offset has to end at the latest. */
  readonly border: (offset: number) => number
  /** Deals with a piece; called in their order, for as many at a time as there are buffers. */
  readonly handOn: (piece: Piece) => Observable<unknown>
}

const NOTHING = new Uint8Array()

export function createPieceIntake({ buffers, start, border, handOn }: PieceIntakeOptions): PieceIntake {
  const pieces = new Subject<Piece & { readonly buffer: Uint8Array }>()
  const free = [...buffers]
  let current: Uint8Array | undefined
  let offset = start
  let filled = 0
  /** What came when every buffer was full. */
  let rest: Uint8Array = NOTHING
  let resumeLater: (() => void) | undefined

  const hasRoom = (): boolean => rest.length === 0 && (current !== undefined || free.length > 0)
  /** Returns what does not fit. */
  const fill = (bytes: Uint8Array): Uint8Array => {
    let left = bytes
    while (left.length > 0) {
      current ??= free.pop()
      if (current === undefined) return left
      const size = Math.min(current.length, border(offset) - offset)
      const part = left.subarray(0, size - filled)
      current.set(part, filled)
      filled += part.length
      left = left.subarray(part.length)
      if (filled === size) emit(current, size)
    }
    return left
  }
  const emit = (buffer: Uint8Array, size: number): void => {
    const piece = { offset, bytes: buffer.subarray(0, size), buffer }
    current = undefined
    offset += size
    filled = 0
    pieces.next(piece)
  }
  const release = (buffer: Uint8Array): void => {
    free.push(buffer)
    rest = fill(rest)
    if (!hasRoom()) return
    const resume = resumeLater
    resumeLater = undefined
    resume?.()
  }

  return {
    position: () => offset + filled + rest.length,
    write: (bytes, resume) => {
      const left = rest.length === 0 ? fill(bytes) : bytes
      if (left.length > 0) rest = Buffer.concat([rest, left])
      if (hasRoom()) return true
      resumeLater = resume
      return false
    },
    end: () => {
      pieces.complete()
    },
    work: pieces.pipe(
      mergeMap(
        (piece) =>
          concat(
            handOn(piece),
            defer(() => {
              release(piece.buffer)
              return EMPTY
            }),
          ),
        buffers.length,
      ),
      ignoreElements(),
    ),
  }
}
