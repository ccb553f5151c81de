import { catchError, defer, map, of, throwError, type Observable } from 'rxjs'
import { isHttpError } from '../../../errors.js'
import type { Features } from './features.js'
import type { SwiftFeatures } from './schemas.js'

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

/** Swift's own defaults: what holds where a store does not say. */
const MAX_FILE_SIZE = 5 * 2 ** 30
const MAX_NAME_LENGTH = 1024
const MAX_SEGMENTS = 1000
const MAX_BULK_DELETES = 1000

function limitsOf({ swift, slo, bulk_delete: bulk }: SwiftFeatures): SwiftLimits {
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

/** The limits of the store of a client. */
export function createSwiftLimits(features: Features): Observable<SwiftLimits> {
  return defer(() => features()).pipe(
    map(limitsOf),
    catchError((error: unknown) =>
      isHttpError(error, 403) || isHttpError(error, 404) ? of(unknown) : throwError(() => error),
    ),
  )
}
