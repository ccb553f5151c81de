import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { concatMap, defer, type Observable, type Subscription } from 'rxjs'
import { TransferError } from '../../../errors.js'
import type { StreamingBody } from '../../../http/types.js'
import { withResource } from '../../../streams/resource.js'
import { sourceOf, type OpenSource, type SourceInput } from '../../../streams/sources.js'

/** What can be written in one request: a text, bytes, a `Blob`, or a stream, which is read once and so is not sent again. */
export type Content = string | Exclude<SourceInput, string | URL>

/** A request's body: all of it at hand, or one piece after the other. */
export type ContentBody = Uint8Array | StreamingBody

/** Bytes of a stream that are read at a time. */
const PIECE = 64 * 1024

/**
 * Gives content to a request as its body. What is at hand is given at once, so that wrong arguments throw at once; a `Blob` is
 * read into memory first; a stream is closed when the request has ended.
 */
export function withContent<T>(
  content: Content,
  argument: string,
  send: (body: ContentBody) => Observable<T>,
): Observable<T> {
  const bytes = bytesOf(content)
  if (bytes !== undefined) return send(bytes)
  if (content instanceof URL) throw new TypeError(`${argument}: expected a text, bytes, a Blob or a stream`)
  const source = sourceOf(content, argument)
  return withResource(
    () => source.open(),
    (opened) => {
      const { size } = opened
      if (size === undefined) return send(streamOf(opened))
      return defer(() => opened.read(0, size, new Uint8Array(size))).pipe(concatMap(send))
    },
  )
}

/** Content that is at hand. */
export function bytesOf(content: Content): Uint8Array | undefined {
  return typeof content === 'string'
    ? Buffer.from(content)
    : content instanceof Uint8Array
      ? content
      : undefined
}

export function isStream(body: ContentBody): body is StreamingBody {
  return typeof body === 'function'
}

/** What the server compares the bytes that arrive with (pithos dossier 7.2). */
export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

/** A body that reads on only as fast as it is sent. Asked for a second time, it fails if anything was read before. */
function streamOf(source: OpenSource): StreamingBody {
  let position = 0
  let begun = false
  return () => {
    const again = begun
    let reading: Subscription | undefined
    return new Readable({
      read() {
        if (again) {
          this.destroy(new TransferError('the content is a stream, which cannot be sent again'))
          return
        }
        begun = true
        reading = defer(() => source.read(position, PIECE, new Uint8Array(PIECE))).subscribe({
          next: (piece) => {
            position += piece.length
            this.push(piece.length === 0 ? null : piece)
          },
          error: (error: unknown) => {
            this.destroy(error instanceof Error ? error : new Error(String(error)))
          },
        })
      },
      destroy(error, callback) {
        reading?.unsubscribe()
        callback(error)
      },
    })
  }
}
