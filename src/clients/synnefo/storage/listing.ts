import { defer, map, type Observable } from 'rxjs'
import { call, type Api } from '../../../http/api.js'
import type { CallOptions } from '../../../http/types.js'
import { countOption } from '../../../operators/option-values.js'
import { paginate } from '../../../operators/paginate.js'
import { listContainers } from './account-operations.js'
import type { Parameters } from './headers.js'
import type { ContainerName } from './names.js'
import { listObjects } from './object-operations.js'
import type { ContainerFilter, ContainerItem, ListItem, ObjectFilter, PageFilter } from './schemas.js'

/** The server gives no more in one page, whatever is asked for (pithos dossier 4.4). */
const MAX_PAGE = 10_000
/** Sort after every name that begins with the same directory. */
const BEYOND = ['\u{ffff}', '\u{10ffff}']

/** Query parameters of one page. */
interface PageRequest extends Parameters {
  readonly limit: number
  readonly marker: string | undefined
}

/** What one request gave, and what it asked for. */
interface Page<T> {
  readonly items: readonly T[]
  readonly marker: string | undefined
}

/** What a dialect asks for beside the pages. */
export interface ListingRequest {
  readonly parameters?: Parameters
  readonly headers?: Readonly<Record<string, string>>
}

export function listAllContainers(
  api: Api,
  filter: ContainerFilter,
  { account, parameters, headers = {} }: ListingRequest & { readonly account?: string | undefined } = {},
  options?: CallOptions,
): Observable<ContainerItem> {
  return listAll(filter, (page) =>
    call(api, listContainers, { account, parameters: { ...page, ...parameters }, headers }, options),
  )
}

export function listAllObjects(
  api: Api,
  name: ContainerName,
  { prefix, delimiter, ...filter }: ObjectFilter,
  { parameters, headers = {} }: ListingRequest = {},
  options?: CallOptions,
): Observable<ListItem> {
  return listAll(filter, (page) =>
    call(
      api,
      listObjects,
      { name, parameters: { ...page, prefix, delimiter, ...parameters }, headers },
      options,
    ),
  )
}

/**
 * Emits the entries of all pages. A page shorter than what was asked for is the last one. A directory as marker is followed
 * by itself: the marker goes beyond it, and it is not told twice (pithos dossier 4.4).
 */
export function listAll<T extends ListItem | ContainerItem>(
  { limit: asked = MAX_PAGE, marker: start }: PageFilter,
  request: (page: PageRequest) => Observable<readonly T[]>,
): Observable<T> {
  const limit = Math.min(countOption('filter.limit', asked, 1), MAX_PAGE)
  const page = (marker: string | undefined): Observable<Page<T>> =>
    request({ limit, marker }).pipe(map((items) => ({ items, marker })))

  return defer(() => {
    let directory: unknown
    const isNew = (item: T): boolean => {
      if (!('subdir' in item)) return true
      const isOther = item.subdir !== directory
      directory = item.subdir
      return isOther
    }
    return paginate(
      page(start),
      (present) => {
        const marker = present.items.length < limit ? undefined : markerAfter(present)
        return marker === undefined ? undefined : page(marker)
      },
      ({ items }) => items.filter(isNew),
    )
  })
}

/** Where the next page begins; `undefined` if it would be the same one. */
function markerAfter<T extends ListItem | ContainerItem>({ items, marker }: Page<T>): string | undefined {
  const last: ListItem | ContainerItem | undefined = items.at(-1)
  if (last === undefined) return undefined
  const { subdir } = last
  if (typeof subdir !== 'string') return String(last.name)
  return BEYOND.slice(BEYOND.findIndex((end) => subdir + end === marker) + 1)
    .map((end) => subdir + end)
    .at(0)
}
