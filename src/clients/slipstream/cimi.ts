import { concatMap, map, of, throwError, type Observable } from 'rxjs'
import { ConfigurationError, ResponseFormatError } from '../../errors.js'
import { call, type Api } from '../../http/api.js'
import type { AnyOperation, CallOptions } from '../../http/types.js'
import { paginate } from '../../operators/paginate.js'
import { cimiOperations, filterText, linkPath, pathOf, withId } from './cimi-operations.js'
import type {
  CimiCollection,
  CimiLink,
  CimiQuery,
  CimiResource,
  CimiResult,
  CimiSearch,
  CloudEntryPoint,
} from './cimi-schemas.js'
import type { Dialect } from './dialect.js'
import { createEntryPoint, type EntryPoint } from './entry-point.js'

export type { CimiCollection, CimiLink, CimiQuery, CimiResource, CimiResult, CimiSearch, CloudEntryPoint }

export interface CimiGetOptions extends CallOptions {
  /** Of `get`, the only attributes wanted; of `edit`, those to remove where `changes` does not have them. */
  readonly select?: readonly string[]
}

/**
 * Every resource of the cloud, by one set of verbs (slipstream dossier 3). All methods are cold: each subscription sends its own
 * requests. `CallOptions` are those of each request that a method makes.
 *
 * A `collection` is named as in the entry point (`virtualMachines`) or by its path (`virtual-machine`). One that is not there is a
 * `ConfigurationError` that lists what there is; so is an operation that a resource does not offer, which is how the
 * server says that this user, or a resource in this state, may not.
 */
export interface Cimi {
  /** What there is. Asked once, then remembered. */
  entryPoint(options?: CallOptions): Observable<CloudEntryPoint>
  get<T extends CimiResource = CimiResource>(id: string, options?: CimiGetOptions): Observable<T>
  /** Emits the hits between `first` and `last`; pages are fetched as they are consumed. */
  search<T extends CimiResource = CimiResource>(
    collection: string,
    query?: CimiSearch,
    options?: CallOptions,
  ): Observable<T>
  /** The answer to one request: `{ last: 0 }` asks for the count and aggregations alone. */
  page<T extends CimiResource = CimiResource>(
    collection: string,
    query?: CimiQuery,
    options?: CallOptions,
  ): Observable<CimiCollection<T>>
  add(collection: string, data: object, options?: CallOptions): Observable<CimiResult>
  /** Emits the document as it is then. */
  edit<T extends CimiResource = CimiResource>(
    id: string,
    changes: object,
    options?: CimiGetOptions,
  ): Observable<T>
  remove(id: string, options?: CallOptions): Observable<CimiResult>
  /** `rel` is the whole name of an operation, or its last segment. */
  operate(id: string, rel: string, data?: object, options?: CallOptions): Observable<CimiResult>
}

const LARGEST_WINDOW = 10_000
const USUAL_PAGE = 500

export function createCimi(
  api: Api,
  dialect: Dialect,
  entryPoint: EntryPoint = createEntryPoint(api, dialect),
): Cimi {
  const operations = cimiOperations(dialect)
  const { cloud } = dialect

  const find = (collection: string, options?: CallOptions): Observable<Collection> => {
    if (typeof collection !== 'string' || collection === '') {
      throw new TypeError("collection: expected a name such as 'events'")
    }
    return entryPoint(options).pipe(map((entry) => collectionOf(entry, collection, cloud)))
  }

  const ask = (
    { name, path }: Collection,
    query: CimiQuery,
    options: CallOptions | undefined,
  ): Observable<CimiCollection> => call(api, operations.search(name), { path, query }, options)

  const get = (
    path: string,
    select: readonly string[] | undefined,
    options: CallOptions | undefined,
  ): Observable<CimiResource> =>
    call(api, operations.get, { path, select: select === undefined ? undefined : withId(select) }, options)

  /** Looks at the resource, and goes on to what it offers under the name. */
  const follow = <R>(
    id: string,
    rel: string,
    by: AnyOperation,
    options: CallOptions | undefined,
    act: (path: string) => Observable<R>,
  ): Observable<R> =>
    get(pathOf(id, 'id'), undefined, options).pipe(
      concatMap((resource) => {
        const path = offered(resource.operations ?? [], rel, { what: id, by, cloud })
        return typeof path === 'string' ? act(path) : throwError(() => path)
      }),
    )

  return {
    entryPoint,
    get: <T extends CimiResource>(id: string, { select, ...options }: CimiGetOptions = {}) =>
      get(pathOf(id, 'id'), select, options) as Observable<T>,
    search: <T extends CimiResource>(collection: string, query: CimiSearch = {}, options?: CallOptions) =>
      search(find(collection, options), checkedQuery(query), (found, page) =>
        ask(found, page, options),
      ) as Observable<T>,
    page: <T extends CimiResource>(collection: string, query: CimiQuery = {}, options?: CallOptions) => {
      const checked = checkedQuery(query)
      checkWindow(checked)
      return find(collection, options).pipe(concatMap((found) => ask(found, checked, options))) as Observable<
        CimiCollection<T>
      >
    },
    add: (collection, data, options) => {
      checkData(data, 'data')
      return find(collection, options).pipe(
        concatMap((found) =>
          ask(found, { last: 0 }, options).pipe(
            concatMap((page) => {
              const path = offered(page.operations, 'add', { what: found.path, by: operations.add, cloud })
              return typeof path === 'string'
                ? call(api, operations.add, { path, data }, options)
                : throwError(() => path)
            }),
          ),
        ),
      )
    },
    edit: <T extends CimiResource>(
      id: string,
      changes: object,
      { select, ...options }: CimiGetOptions = {},
    ) => {
      checkData(changes, 'changes')
      return follow(id, 'edit', operations.edit, options, (path) =>
        call(api, operations.edit, { path, changes, select }, options).pipe(
          concatMap((document) =>
            document === undefined ? get(pathOf(id, 'id'), undefined, options) : of(document),
          ),
        ),
      ) as Observable<T>
    },
    remove: (id, options) =>
      follow(id, 'delete', operations.remove, options, (path) =>
        call(api, operations.remove, { path }, options),
      ),
    operate: (id, rel, data, options) => {
      if (typeof rel !== 'string' || rel === '') throw new TypeError("rel: expected a name such as 'start'")
      if (data !== undefined) checkData(data, 'data')
      return follow(id, rel, operations.operate, options, (path) =>
        call(api, operations.operate, { path, data }, options),
      )
    },
  }
}

// --- collections ------------------------------------------------------------------------------------------------

interface Collection {
  /** As in the entry point. */
  readonly name: string
  readonly path: string
}

function collectionOf({ collections }: CloudEntryPoint, wanted: string, cloud: Dialect['cloud']): Collection {
  const found = Object.entries(collections).find(([name, path]) => wanted === name || wanted === path)
  if (found === undefined) {
    const known = Object.keys(collections).sort().join(', ')
    throw new ConfigurationError(`collection: there is no '${wanted}' in this cloud; it has: ${known}`, {
      cloud,
    })
  }
  const [name, path] = found
  return { name, path: pathOf(path, 'collection') }
}

function search(
  found: Observable<Collection>,
  { pageSize = USUAL_PAGE, ...query }: CimiSearch,
  ask: (found: Collection, query: CimiQuery) => Observable<CimiCollection>,
): Observable<CimiResource> {
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > LARGEST_WINDOW) {
    throw new TypeError(`query.pageSize: expected a whole number from 1 to ${LARGEST_WINDOW}`)
  }
  const { first: start = 1, last: end = Number.POSITIVE_INFINITY } = query
  return found.pipe(
    concatMap((collection) => {
      const pageFrom = (first: number): Observable<Page> =>
        ask(collection, { ...query, first, last: Math.min(first + pageSize - 1, end) }).pipe(
          map(({ count, resources }) => ({ next: first + pageSize, count, resources })),
        )
      return paginate(
        pageFrom(start),
        ({ next, count, resources }) =>
          resources.length === 0 || next > Math.min(count, end) ? undefined : pageFrom(next),
        ({ resources }) => resources,
      )
    }),
  )
}

interface Page {
  readonly next: number
  readonly count: number
  readonly resources: readonly CimiResource[]
}

/** What a server would answer with a 500 (slipstream dossier 3.3). */
function checkWindow({ first = 1, last }: CimiQuery): void {
  if (last !== undefined && last - first >= LARGEST_WINDOW) {
    throw new TypeError(`query.last: at most ${LARGEST_WINDOW} resources come in one page`)
  }
}

function checkedQuery<Q extends CimiQuery>(query: Q): Q {
  const { first = 1, last = 0, filter } = query
  if (!Number.isSafeInteger(first) || first < 1) {
    throw new TypeError('query.first: expected a whole number from 1 on')
  }
  if (!Number.isSafeInteger(last) || last < 0) {
    throw new TypeError('query.last: expected a whole number from 0 on')
  }
  return filter === undefined ? query : { ...query, filter: filterText(filter) }
}

function checkData(data: unknown, argument: string): void {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    throw new TypeError(`${argument}: expected an object`)
  }
}

// --- what a resource offers -------------------------------------------------------------------------------------

interface Offer {
  /** Whose operations they are. */
  readonly what: string
  readonly by: AnyOperation
  readonly cloud: Dialect['cloud']
}

/** The path of the operation, by its whole name or the last segment of it; else why there is none. */
function offered(
  links: readonly CimiLink[],
  rel: string,
  { what, by, cloud }: Offer,
): string | ConfigurationError | ResponseFormatError {
  const link =
    links.find((candidate) => candidate.rel === rel) ??
    links.find((candidate) => lastSegment(candidate.rel) === rel)
  const context = { cloud, operation: by.id }
  if (link === undefined) {
    const names = links.map((candidate) => lastSegment(candidate.rel)).join(', ') || 'nothing'
    return new ConfigurationError(
      `${by.id}: ${what} does not offer '${rel}' to this user, or not in its state; it offers: ${names}`,
      context,
    )
  }
  return (
    linkPath(link) ??
    new ResponseFormatError(`${by.id}: the operation '${rel}' of ${what} leads out of the API`, context)
  )
}

function lastSegment(rel: string): string {
  return rel.slice(rel.lastIndexOf('/') + 1)
}
