import {
  catchError,
  concat,
  concatMap,
  map,
  merge,
  of,
  reduce,
  throwError,
  type MonoTypeOperatorFunction,
  type Observable,
} from 'rxjs'
import { z } from 'zod'
import { httpError, isHttpError, type HttpError } from '../../../errors.js'
import { call, type Api } from '../../../http/api.js'
import { json, query } from '../../../http/codecs.js'
import type { CallOptions, DecodeContext, HttpResponse, Operation } from '../../../http/types.js'
import { service } from '../storage/headers.js'
import {
  containerName,
  encodeBytes,
  objectName,
  objectPath,
  type ContainerTarget,
  type ObjectName,
} from '../storage/names.js'
import { deleteObject } from '../storage/object-operations.js'
import { wasRepeated } from '../storage/writing.js'
import { checkVersion, withVersions, type Features } from './features.js'
import { refuse } from './headers.js'
import { bulkDelete } from './large-object-operations.js'
import { headSwiftObject } from './object-operations.js'
import type { SwiftRemoveOptions } from './options.js'
import type { RemovedObjects, SwiftFeatures } from './schemas.js'

// --- wire (pithos dossier 14.2, 14.4) ---------------------------------------------------------------------------

const report = z.looseObject({
  'Response Status': z.string(),
  'Response Body': z.string().optional(),
  'Number Deleted': z.number(),
  'Number Not Found': z.number(),
  Errors: z.array(z.array(z.string())),
})
const readReport = json<z.infer<typeof report>>(report)

/** The status of such an answer is 200 whatever happened: what did is in its body. */
function removedIn(response: HttpResponse, context: DecodeContext): RemovedObjects {
  const found = readReport(response, context)
  const { 'Number Deleted': removed, 'Number Not Found': missing, Errors: errors } = found
  const status = statusOf(found['Response Status'])
  if (errors.length === 0 && status < 300) return { removed, missing }
  throw failureOf(found, status, context)
}

/** How many objects a person reads of. */
const MOST_OBJECTS = 3

function failureOf(
  found: z.infer<typeof report>,
  status: number,
  { operation, cloud }: DecodeContext,
): HttpError {
  const { Errors: errors } = found
  const statuses = new Set(errors.map(([, reason = '']) => statusOf(reason)))
  const [only] = statuses
  const words = errors.slice(0, MOST_OBJECTS).map((error) => error.join(': '))
  const more = errors.length - words.length
  const reason = [...words, ...(more > 0 ? [`${more} more`] : [])].join('; ')
  const body = found['Response Body'] ?? ''
  return httpError({
    cloud,
    operation: operation.id,
    // What was the same for all says more than the status of the whole, which is always 400.
    status: statuses.size === 1 && only !== undefined && only >= 400 ? only : Math.max(status, 400),
    method: operation.method,
    url: operation.path,
    reason: reason === '' ? body || found['Response Status'] : reason,
    details: errors,
    retryable: [only, status].some((code) => code !== undefined && code >= 500),
  })
}

/** `409 Conflict` */
function statusOf(text: string): number {
  return Number(/^\d{3}\b/.exec(text)?.[0] ?? 0)
}

const removeListed: Operation<Parameters<typeof bulkDelete.encode>[0], RemovedObjects> = {
  ...bulkDelete,
  id: 'openstack.storage.objects.removeMany',
  decode: removedIn,
}

/** An object, or a version of it. */
interface RemoveRequest {
  readonly name: ObjectName
  readonly version?: string | undefined
}

const deleteSwiftObject: Operation<RemoveRequest, void> = {
  ...deleteObject,
  id: 'openstack.storage.objects.remove',
  encode: ({ name, version }) => ({ path: objectPath(name), query: query({ 'version-id': version }) }),
}

const deleteWithSegments: Operation<RemoveRequest, RemovedObjects> = {
  id: 'openstack.storage.objects.remove',
  service,
  method: 'DELETE',
  path: '/{account}/{container}/{object}?multipart-manifest=delete',
  success: [200],
  encode: ({ name, version }) => ({
    path: objectPath(name),
    query: query({ 'multipart-manifest': 'delete', 'version-id': version }),
  }),
  decode: removedIn,
}

// --- what is done with them -------------------------------------------------------------------------------------

/** If the first answer was lost, what was removed is not there any more when asked for again. */
export function goneIsGone(): MonoTypeOperatorFunction<void> {
  return catchError((error: unknown) =>
    isHttpError(error, 404) && wasRepeated(error) ? of(undefined) : throwError(() => error),
  )
}

export function removeSwiftObject(
  api: Api,
  features: Features,
  name: ObjectName,
  options: SwiftRemoveOptions = {},
): Observable<void> {
  const { segments, version } = options
  refuse(options, ['until', 'recursive', 'ifMatch', 'ifNoneMatch'], 'options')
  checkVersion(version)
  const alone = call(api, deleteSwiftObject, { name, version }, options).pipe(goneIsGone())
  const whole = call(api, deleteWithSegments, { name, version }, options).pipe(map(() => undefined))
  const removed =
    segments === false
      ? alone
      : call(api, headSwiftObject, { name, version }, options).pipe(
          // Where versions are kept, this one stays, and needs its segments.
          map(
            ({ isStatic, version: kept }) =>
              isStatic && (version !== undefined || kept === undefined || segments === true),
          ),
          // Of a removal there is a version as well, which can be removed but not looked at.
          catchError((error: unknown) =>
            version !== undefined && isHttpError(error, 404) ? of(false) : throwError(() => error),
          ),
          concatMap((isWhole) => (isWhole ? whole : alone)),
        )
  return version === undefined ? removed : withVersions(features, options, removed)
}

/** Swift's own defaults: what holds where a store does not say. */
const MAX_OBJECT_NAME = 1024
const MAX_CONTAINER_NAME = 256
const MAX_DELETES = 1000
/** Requests at a time, where each object needs its own. */
const SIDE_BY_SIDE = 4

export function removeManyObjects(
  api: Api,
  features: Features,
  container: ContainerTarget,
  names: readonly string[],
  options: CallOptions = {},
): Observable<RemovedObjects> {
  const place = containerName(container, 'container')
  const objects = names.map((object, index) => objectName({ ...place, object }, `names[${index}]`))
  return featuresOrNone(features, options).pipe(
    concatMap((known) => {
      const { many, single } = partsOf(objects, known)
      return concat(
        ...many.map((batch) => call(api, removeListed, { account: place.account, names: batch }, options)),
        merge(...single.map((name) => removeOne(api, name, options)), SIDE_BY_SIDE),
      )
    }),
    reduce(
      (sum, { removed, missing }) => ({ removed: sum.removed + removed, missing: sum.missing + missing }),
      { removed: 0, missing: 0 },
    ),
  )
}

/** A store may keep to itself what it can do. */
export function featuresOrNone(features: Features, options: CallOptions): Observable<SwiftFeatures> {
  return features(options).pipe(
    catchError((error: unknown) =>
      isHttpError(error, 403) || isHttpError(error, 404) ? of({}) : throwError(() => error),
    ),
  )
}

/** What goes in lists, and what one by one: names that are too long for a list, or all where there are no lists. */
function partsOf(
  objects: readonly ObjectName[],
  { bulk_delete: bulk, swift = {} }: SwiftFeatures,
): { readonly many: readonly (readonly ObjectName[])[]; readonly single: readonly ObjectName[] } {
  if (bulk === undefined) return { many: [], single: objects }
  const {
    max_object_name_length: object = MAX_OBJECT_NAME,
    max_container_name_length: container = MAX_CONTAINER_NAME,
  } = swift
  const longest = 2 * (object + container)
  const fits = (name: ObjectName): boolean =>
    encodeBytes(`${name.container}/${name.object}`).length <= longest
  const short = objects.filter(fits)
  const size = bulk.max_deletes_per_request ?? MAX_DELETES
  const count = Math.ceil(short.length / size)
  return {
    many: Array.from({ length: count }, (_, index) => short.slice(index * size, (index + 1) * size)),
    single: objects.filter((name) => !fits(name)),
  }
}

function removeOne(api: Api, name: ObjectName, options: CallOptions): Observable<RemovedObjects> {
  return call(api, deleteSwiftObject, { name }, options).pipe(
    map(() => ({ removed: 1, missing: 0 })),
    catchError((error: unknown) =>
      isHttpError(error, 404) ? of({ removed: 0, missing: 1 }) : throwError(() => error),
    ),
  )
}
