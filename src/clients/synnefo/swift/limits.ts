import { catchError, defer, of, tap, throwError, type Observable } from 'rxjs'
import { z } from 'zod'
import { isHttpError } from '../../../errors.js'
import { call, type Api } from '../../../http/api.js'
import { json } from '../../../http/codecs.js'
import type { Operation } from '../../../http/types.js'
import { service } from '../storage/headers.js'
import { STORE } from './catalogue.js'

/** What a store allows, as far as transfers go by it (pithos dossier 14.1). */
export interface SwiftLimits {
  /** Bytes of an object that is sent as one, and of a segment. */
  readonly maxFileSize: number
  /** Bytes of the name of an object. */
  readonly maxNameLength: number
  /** Of static large objects; absent where there are none. */
  readonly segments?: { readonly max: number; readonly minSize: number }
  /** Objects that are removed in one request; absent where each needs its own. */
  readonly maxBulkDeletes?: number
}

const info = z.looseObject({
  swift: z
    .looseObject({ max_file_size: z.number().optional(), max_object_name_length: z.number().optional() })
    .optional(),
  slo: z
    .looseObject({ max_manifest_segments: z.number().optional(), min_segment_size: z.number().optional() })
    .optional(),
  bulk_delete: z.looseObject({ max_deletes_per_request: z.number().optional() }).optional(),
})

/** Swift's own defaults: what holds where a store does not say. */
const MAX_FILE_SIZE = 5 * 2 ** 30
const MAX_NAME_LENGTH = 1024
const MAX_SEGMENTS = 1000
const MAX_BULK_DELETES = 1000

export const getInfo: Operation<void, SwiftLimits> = {
  id: 'openstack.storage.info',
  service,
  method: 'GET',
  path: '/info',
  success: [200],
  encode: () => ({ path: `${STORE}/info` }),
  decode: (response, context) => limitsOf(readInfo(response, context)),
}
const readInfo = json<z.infer<typeof info>>(info)

function limitsOf({ swift, slo, bulk_delete: bulk }: z.infer<typeof info>): SwiftLimits {
  return {
    maxFileSize: swift?.max_file_size ?? MAX_FILE_SIZE,
    maxNameLength: swift?.max_object_name_length ?? MAX_NAME_LENGTH,
    ...(slo === undefined
      ? {}
      : { segments: { max: slo.max_manifest_segments ?? MAX_SEGMENTS, minSize: slo.min_segment_size ?? 1 } }),
    ...(bulk === undefined ? {} : { maxBulkDeletes: bulk.max_deletes_per_request ?? MAX_BULK_DELETES }),
  }
}

/** A store may keep to itself what it can do: then it is tried. */
const unknown: SwiftLimits = {
  maxFileSize: MAX_FILE_SIZE,
  maxNameLength: MAX_NAME_LENGTH,
  segments: { max: MAX_SEGMENTS, minSize: 1 },
}

/** The limits of the store of a client; asked for when they are first needed, and then kept. */
export function createSwiftLimits(api: Api): Observable<SwiftLimits> {
  let known: SwiftLimits | undefined
  const ask = defer(() => call(api, getInfo, undefined)).pipe(
    catchError((error: unknown) =>
      isHttpError(error, 403) || isHttpError(error, 404) ? of(unknown) : throwError(() => error),
    ),
    tap((limits) => {
      known = limits
    }),
  )
  return defer(() => (known === undefined ? ask : of(known)))
}
