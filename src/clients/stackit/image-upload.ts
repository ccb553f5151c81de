import { catchError, concatMap, map, of, throwError, type Observable } from 'rxjs'
import { isCloudError, ResponseFormatError, TransferError, type OperationRef } from '../../errors.js'
import { call, endpointOf, type Api } from '../../http/api.js'
import { nothing } from '../../http/codecs.js'
import type { Operation, StreamingBody } from '../../http/types.js'
import type { OperationEvent, TransferEvent } from '../../streams/events.js'
import { checkWatchOptions } from '../../streams/operation.js'
import { PIECE_SIZE, readPieces, tellingPieces } from '../../streams/pieces.js'
import { withResource } from '../../streams/resource.js'
import { sourceOf, type OpenSource, type Source, type SourceInput } from '../../streams/sources.js'
import { transfer, type TransferReport } from '../../streams/transfer.js'
import type { CreateImageArguments, IaasClient, Image } from './services/iaas/index.js'
import type { RunOptions } from './waiters.js'

/** What an upload of an image needs of a client: its service `iaas`, and a way to send without a token. */
export interface ImageUploader {
  readonly iaas: Pick<IaasClient, 'createImage' | 'watch'>
  readonly anonymousApi: Api
}

/** What an upload of an image tells. After the bytes, the service imports what it has. */
export type ImageUploadEvent =
  | TransferEvent<Image>
  | {
      readonly kind: 'importing'
      /** Of the wait: `iaas.watch.uploadImage(ref)` goes on with it, also after a restart. */
      readonly ref: OperationRef
      readonly state: string
      /** 0 to 100, never falling; absent until the service tells it. */
      readonly percent?: number
    }

/**
 * Makes an image of a file (stackit dossier 7.4): creates it, sends the file in one request, and waits until it is AVAILABLE.
 *
 * Emits `planned`, `progress` while bytes are taken, `importing` for each change of the import, and `done` with the image. Errors
 * before anything is created if the file cannot be read; with a `TransferError` that names the image if sending stops: it is
 * then there without content, to be removed, for a sending cannot be continued. Unsubscribing ends the sending or the wait.
 *
 * @param source - a path, a `file:` URL, bytes or a `Blob`: the service must know the length before the first byte
 * @param options - `timeout` is for the import, by default 45 minutes
 * @example
 * uploadImage(cloud, 'debian.qcow2', { body: { name: 'debian', diskFormat: 'qcow2' } }).subscribe(show)
 */
export function uploadImage(
  cloud: ImageUploader,
  source: SourceInput,
  args: CreateImageArguments,
  options: RunOptions = {},
): Observable<ImageUploadEvent> {
  const { iaas, anonymousApi: api } = cloud
  const { call: callOptions, ...watchOptions } = options
  const { signal } = options
  checkWatchOptions(watchOptions)
  const content = contentOf(source)
  const created = iaas.createImage(args, callOptions)
  const { projectId, region } = args
  const place = {
    ...(projectId === undefined ? {} : { projectId }),
    ...(region === undefined ? {} : { region }),
  }
  const sent = transfer(api.runtime, signal === undefined ? {} : { signal }, (report) =>
    withResource(
      () => content.open(),
      (opened) => {
        const { size = 0 } = opened
        report.planned(size, 1)
        return created.pipe(
          concatMap(({ id, uploadUrl }) => send(api, id, uploadUrl, bodyOf(opened, size, report), size)),
        )
      },
    ),
  )
  return sent.pipe(
    concatMap((event) =>
      event.kind === 'done'
        ? iaas.watch
            .uploadImage({ ...place, imageId: event.result }, watchOptions)
            .pipe(concatMap((step) => imported(step, event)))
        : of(event),
    ),
  )
}

function contentOf(input: SourceInput): Source {
  const source = sourceOf(input, 'source')
  if (source.randomAccess) return source
  throw new TypeError(
    'source: expected a path, a file URL, bytes or a Blob; the length of a stream is not known',
  )
}

function bodyOf(opened: OpenSource, size: number, report: TransferReport): StreamingBody {
  const buffer = new Uint8Array(2 * Math.min(PIECE_SIZE, Math.max(1, size)))
  const tooShort = (): Error => new TransferError('the file became shorter while it was sent')
  const pieces = readPieces(opened, { offset: 0, length: size, buffer, tooShort })
  let left = size
  return tellingPieces(pieces, (bytes) => {
    left -= bytes
    report.accepted({ bytes, parts: left === 0 ? 1 : 0, reusedBytes: 0, travelledBytes: bytes })
  })
}

// --- sending --------------------------------------------------------------------------------------------------

interface Sending {
  readonly path: string
  readonly size: number
  readonly body: StreamingBody
}

const putContent: Operation<Sending, void> = {
  id: 'stackit.iaas.uploadImage.content',
  service: 'iaas',
  method: 'PUT',
  path: '{uploadUrl}',
  success: [200],
  encode: ({ path, size, body }) => ({
    path,
    headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
    body,
    secrets: secretsOf(path),
  }),
  decode: nothing,
}

/** Who knows the address may write: all of it is secret, and so is each of its parts. */
function secretsOf(path: string): readonly string[] {
  const [name = '', ...query] = path.split('?')
  const values = query.flatMap((part) => part.split('&')).map((pair) => pair.slice(pair.indexOf('=') + 1))
  return [path, name, ...values]
}

/** Emits the id of the image when its content was taken. */
function send(
  api: Api,
  id: string | undefined,
  uploadUrl: string,
  body: StreamingBody,
  size: number,
): Observable<string> {
  const [, origin = '', path = ''] = /^(https?:\/\/[^/?#]+)(\/[^#]*)/i.exec(uploadUrl) ?? []
  if (id === undefined || id === '' || origin === '') return throwError(() => unusable())
  const direct: Api = { ...api, endpoint: endpointOf(origin, 'uploadUrl') }
  return call(direct, putContent, { path, size, body }, { retry: false }).pipe(
    map(() => id),
    catchError((error: unknown) => throwError(() => stopped(id, error))),
  )
}

function unusable(): ResponseFormatError {
  const operation = 'stackit.iaas.createImage'
  return new ResponseFormatError(`${operation}: the answer has no id, or no address to send the image to`, {
    cloud: 'stackit',
    operation,
  })
}

/** The reason of an abort stays what it is. */
function stopped(id: string, error: unknown): Error {
  if (!isCloudError(error)) return error as Error
  const message = `upload of image ${id} stopped: ${error.message}`
  return new TransferError(message, { cloud: 'stackit', operation: putContent.id, cause: error })
}

// --- importing ------------------------------------------------------------------------------------------------

function imported(
  step: OperationEvent<Image>,
  sent: Extract<TransferEvent<string>, { kind: 'done' }>,
): readonly ImageUploadEvent[] {
  switch (step.kind) {
    case 'submitted':
      return []
    case 'progress': {
      const { ref, state, percent } = step
      return [{ kind: 'importing', ref, state, ...(percent === undefined ? {} : { percent }) }]
    }
    case 'retrying': {
      const { attempt, delayMs, error } = step
      return [{ kind: 'retrying', attempt, delayMs, error }]
    }
    case 'done':
      return [{ ...sent, result: step.result, elapsedMs: sent.elapsedMs + step.elapsedMs }]
  }
}
