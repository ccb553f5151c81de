import {
  catchError,
  concat,
  defer,
  EMPTY,
  endWith,
  ignoreElements,
  map,
  merge,
  repeat,
  takeWhile,
  tap,
  throwError,
  concatMap,
  type Observable,
} from 'rxjs'
import { isHttpError } from '../../../errors.js'
import { call, type Api } from '../../../http/api.js'
import { containerName, type ContainerTarget } from '../storage/names.js'
import type { Features } from './features.js'
import { refuse } from './headers.js'
import { listSwiftObjects } from './object-operations.js'
import type { SwiftRemoveOptions } from './options.js'
import { removeManyObjects, removeSwiftObject } from './removing.js'
import type { SwiftListItem, SwiftObjectItem } from './schemas.js'

/** Names that are held at a time. */
const PAGE = 10_000
/** Large objects that are removed at a time, each by requests of its own. */
const SIDE_BY_SIDE = 4

/** Removes all objects of a container, a page at a time. */
export function clearSwiftContainer(
  api: Api,
  features: Features,
  container: ContainerTarget,
  options: Omit<SwiftRemoveOptions, 'version'> = {},
): Observable<void> {
  const name = containerName(container, 'container')
  refuse(options, ['version', 'until'], 'options')
  const { segments, ...request } = options

  const removeAll = (items: readonly SwiftObjectItem[]): Observable<never> => {
    const isWhole = ({ slo_etag: tag }: SwiftObjectItem): boolean => tag !== undefined && segments !== false
    const plain = items.filter((item) => !isWhole(item)).map((item) => item.name)
    const large = merge(
      ...items
        .filter(isWhole)
        .map(({ name: object }) =>
          removeSwiftObject(api, features, { ...name, object }, options).pipe(
            catchError((error: unknown) => (isHttpError(error, 404) ? EMPTY : throwError(() => error))),
          ),
        ),
      SIDE_BY_SIDE,
    ).pipe(ignoreElements())
    if (plain.length === 0) return large
    return concat(large, removeManyObjects(api, features, name, plain, request).pipe(ignoreElements()))
  }
  /** Removes a page; emits where the next one begins, or `undefined` after the last. */
  const clearPage = (marker: string | undefined): Observable<string | undefined> =>
    call(api, listSwiftObjects, { name, parameters: { limit: PAGE, marker } }, request).pipe(
      map((items) => items.filter(isObject)),
      concatMap((items) =>
        concat(items.length === 0 ? EMPTY : removeAll(items), [
          items.length < PAGE ? undefined : items.at(-1)?.name,
        ]),
      ),
    )

  return defer(() => {
    let marker: string | undefined
    return defer(() => clearPage(marker)).pipe(
      tap((next) => {
        marker = next
      }),
      repeat(),
      takeWhile((next) => next !== undefined),
      ignoreElements(),
      endWith(undefined),
    )
  })
}

function isObject(item: SwiftListItem): item is SwiftObjectItem {
  return typeof item.name === 'string'
}
