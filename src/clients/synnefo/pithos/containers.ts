import { catchError, of, throwError, type Observable } from 'rxjs'
import { isHttpError } from '../../../errors.js'
import { call, type Api } from '../../../http/api.js'
import type { CallOptions } from '../../../http/types.js'
import { oneOf, textArgument, wholeNumber } from '../storage/arguments.js'
import {
  deleteContainer,
  headContainer,
  postContainer,
  putContainer,
} from '../storage/container-operations.js'
import { conditionHeaders, metadataChangeHeaders, type Parameters } from '../storage/headers.js'
import { listAllContainers } from '../storage/listing.js'
import {
  checkText,
  containerName,
  encodeHeader,
  metadataHeaders,
  type ContainerTarget,
} from '../storage/names.js'
import type { ChangeOptions, InfoOptions } from '../storage/options.js'
import type { ContainerInfo, ContainerItem } from '../storage/schemas.js'
import { wasRepeated } from '../storage/writing.js'
import type {
  Past,
  PithosContainerChanges,
  PithosContainerFilter,
  PithosContainerSettings,
  PithosInfoOptions,
} from './options.js'
import { checkUntil } from './past.js'

export function listPithosContainers(
  api: Api,
  { account, shared, public: published, until, marker, limit }: PithosContainerFilter = {},
  options: InfoOptions = {},
): Observable<ContainerItem> {
  if (account !== undefined) textArgument('filter.account', account)
  checkText(marker, 'filter.marker')
  const parameters = {
    shared: shared === true ? true : undefined,
    public: published === true ? true : undefined,
    until: checkUntil(until, 'filter.until'),
  } as const
  const page = { ...(marker === undefined ? {} : { marker }), ...(limit === undefined ? {} : { limit }) }
  return listAllContainers(api, page, { account, parameters, headers: conditionHeaders(options) }, options)
}

export function readContainer(
  api: Api,
  container: ContainerTarget,
  { until, ...options }: PithosInfoOptions = {},
): Observable<ContainerInfo> {
  const asOf = checkUntil(until, 'options.until')
  const name = containerName(container, 'container')
  return call(api, headContainer, { ...name, until: asOf, conditions: options }, options)
}

export function createContainer(
  api: Api,
  container: ContainerTarget,
  { metadata = {}, ...policy }: PithosContainerSettings = {},
  options?: CallOptions,
): Observable<{ readonly created: boolean }> {
  const headers = {
    ...policyHeaders(policy, 'settings'),
    ...metadataHeaders('container', metadata, 'settings.metadata'),
  }
  return call(api, putContainer, { name: containerName(container, 'container'), headers }, options)
}

export function changeContainer(
  api: Api,
  container: ContainerTarget,
  { metadata = {}, ...policy }: PithosContainerChanges,
  options: ChangeOptions = {},
): Observable<void> {
  const { replace = false } = options
  const headers = {
    ...policyHeaders(policy, 'changes'),
    ...metadataChangeHeaders('container', metadata, 'changes.metadata', replace),
  }
  return call(api, postContainer, { name: containerName(container, 'container'), replace, headers }, options)
}

/** An empty value goes back to the default (pithos dossier 6). */
function policyHeaders(
  { quota, versioning, project }: Omit<PithosContainerChanges, 'metadata'>,
  argument: string,
): Record<string, string> {
  return {
    ...(quota === undefined
      ? {}
      : {
          'x-container-policy-quota': quota === null ? '' : String(wholeNumber(`${argument}.quota`, quota)),
        }),
    ...(versioning === undefined
      ? {}
      : {
          'x-container-policy-versioning':
            versioning === null ? '' : oneOf(`${argument}.versioning`, versioning, ['auto', 'none']),
        }),
    ...(project === undefined
      ? {}
      : { 'x-container-policy-project': encodeHeader(textArgument(`${argument}.project`, project)) }),
  }
}

/** Removes an empty container. If the first answer was lost, it is not there any more when asked for again. */
export function removeContainer(
  api: Api,
  container: ContainerTarget,
  options?: CallOptions,
): Observable<void> {
  return deleteWith(api, container, undefined, options).pipe(
    catchError((error: unknown) =>
      isHttpError(error, 404) && wasRepeated(error) ? of(undefined) : throwError(() => error),
    ),
  )
}

export function clearContainer(
  api: Api,
  container: ContainerTarget,
  options?: CallOptions,
): Observable<void> {
  return deleteWith(api, container, { delimiter: '/' }, options)
}

export function purgeContainer(
  api: Api,
  container: ContainerTarget,
  { until }: Required<Past>,
  options?: CallOptions,
): Observable<void> {
  // Without it the server would remove the container itself.
  return deleteWith(api, container, { until: wholeNumber('past.until', until) }, options)
}

function deleteWith(
  api: Api,
  container: ContainerTarget,
  parameters: Parameters | undefined,
  options: CallOptions | undefined,
): Observable<void> {
  const name = containerName(container, 'container')
  return call(api, deleteContainer, { name, ...(parameters === undefined ? {} : { parameters }) }, options)
}
