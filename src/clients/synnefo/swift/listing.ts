import { takeWhile, type Observable } from 'rxjs'
import { call, type Api } from '../../../http/api.js'
import type { CallOptions } from '../../../http/types.js'
import { countOption } from '../../../operators/option-values.js'
import { paginate } from '../../../operators/paginate.js'
import type { Parameters } from '../storage/headers.js'
import { checkText, containerName, type ContainerTarget, type ObjectName } from '../storage/names.js'
import type { ContainerItem, PageFilter } from '../storage/schemas.js'
import { withVersions, type Features } from './features.js'
import { refuse, timeConditions } from './headers.js'
import { listSwiftObjects, listSwiftVersions } from './object-operations.js'
import type { SwiftObjectFilter } from './options.js'
import type { SwiftListItem, SwiftVersion } from './schemas.js'

export function listAllSwiftObjects(
  api: Api,
  container: ContainerTarget,
  filter: SwiftObjectFilter = {},
  options: CallOptions = {},
): Observable<SwiftListItem> {
  const name = containerName(container, 'container')
  refuse(filter, ['until', 'shared', 'public', 'meta'], 'filter')
  refuse(options, timeConditions, 'options')
  const { prefix, delimiter, path, ...page } = filter
  for (const key of ['prefix', 'delimiter', 'path', 'marker'] as const)
    checkText(filter[key], `filter.${key}`)
  if (path !== undefined && (prefix !== undefined || delimiter !== undefined)) {
    throw new TypeError('filter.path: not together with prefix or delimiter')
  }
  return listPages(page, ({ limit, marker }) =>
    call(api, listSwiftObjects, { name, parameters: { limit, marker, prefix, delimiter, path } }, options),
  )
}

/** The server gives no more in one page, and refuses to be asked for more (pithos dossier 14.1). */
const MAX_PAGE = 10_000

/** Emits the entries of all pages. A page shorter than what was asked for is the last one; a directory is a marker like any other. */
export function listPages<T extends SwiftListItem | ContainerItem>(
  { limit: asked = MAX_PAGE, marker: start }: PageFilter,
  request: (page: {
    readonly limit: number
    readonly marker: string | undefined
  }) => Observable<readonly T[]>,
): Observable<T> {
  const limit = Math.min(countOption('filter.limit', asked, 1), MAX_PAGE)
  return paginate(
    request({ limit, marker: start }),
    (present) => {
      const last: SwiftListItem | ContainerItem | undefined = present.at(-1)
      if (last === undefined || present.length < limit) return undefined
      return request({ limit, marker: String(last.subdir ?? last.name) })
    },
    (items) => items,
  )
}

/** Entries of one page of versions. */
const PAGE = 1000

/** The versions of an object come before all others with this prefix, the newest first. */
export function readSwiftVersions(
  api: Api,
  features: Features,
  name: ObjectName,
  options?: CallOptions,
): Observable<SwiftVersion> {
  const { object } = name
  const page = (after?: SwiftVersion): Observable<readonly SwiftVersion[]> => {
    const parameters: Parameters = {
      versions: true,
      prefix: object,
      limit: PAGE,
      marker: after?.name,
      version_marker: after?.version_id,
    }
    return call(api, listSwiftVersions, { name, parameters }, options)
  }
  const versions = paginate(
    page(),
    (present) => (present.length < PAGE ? undefined : page(present.at(-1))),
    (items) => items,
  ).pipe(takeWhile((version) => version.name === object))
  return withVersions(features, options, versions)
}
