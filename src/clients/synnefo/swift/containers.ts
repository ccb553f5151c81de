import { concatMap, type Observable } from 'rxjs'
import { z } from 'zod'
import { call, type Api } from '../../../http/api.js'
import { header, json, nothing } from '../../../http/codecs.js'
import type { CallOptions, HttpResponse, Operation } from '../../../http/types.js'
import { listContainers } from '../storage/account-operations.js'
import { oneOf, textArgument, wholeNumber } from '../storage/arguments.js'
import { deleteContainer, headContainer, putContainer } from '../storage/container-operations.js'
import { service } from '../storage/headers.js'
import {
  checkText,
  containerName,
  containerPath,
  type ContainerName,
  type ContainerTarget,
} from '../storage/names.js'
import type { ChangeOptions } from '../storage/options.js'
import { containerItem, type ContainerItem } from '../storage/schemas.js'
import { refuseReserved, removalOfRest, reservedMetadata } from './account.js'
import { withVersions, type Features } from './features.js'
import {
  metadataChangeHeaders,
  metadataHeaders,
  plainHeader,
  refuse,
  timeConditions,
  userMetadataIn,
} from './headers.js'
import type { SwiftContainerChanges, SwiftContainerFilter, SwiftContainerSettings } from './options.js'
import { listPages } from './listing.js'
import { goneIsGone } from './removing.js'
import type { SwiftContainerInfo } from './schemas.js'

// --- wire (pithos dossier 6, 14.1) ------------------------------------------------------------------------------

const listSwiftContainers: typeof listContainers = {
  ...listContainers,
  id: 'openstack.storage.containers.list',
  decode: json(z.array(z.looseObject({ name: z.string() })), z.array(containerItem)),
}

const headSwiftContainer: Operation<ContainerName, SwiftContainerInfo> = {
  ...headContainer,
  id: 'openstack.storage.containers.get',
  decode: (response, context) => ({
    ...headContainer.decode(response, context),
    metadata: userMetadataIn(response, 'container', reservedMetadata),
    objectMetadata: [],
    read: listIn(response, 'x-container-read'),
    write: listIn(response, 'x-container-write'),
    storagePolicy: header(response, 'x-storage-policy'),
  }),
}

function listIn(response: HttpResponse, name: string): readonly string[] {
  return (header(response, name) ?? '').split(',').filter((element) => element !== '')
}

const putSwiftContainer: typeof putContainer = { ...putContainer, id: 'openstack.storage.containers.create' }

export const postSwiftContainer: Operation<
  {
    readonly name: ContainerName
    readonly headers: Readonly<Record<string, string>>
    readonly secrets?: readonly string[]
  },
  void
> = {
  id: 'openstack.storage.containers.update',
  service,
  method: 'POST',
  path: '/{account}/{container}',
  success: [204, 202],
  idempotent: true,
  encode: ({ name, headers, secrets = [] }) => ({ path: containerPath(name), headers, secrets }),
  decode: nothing,
}

const deleteSwiftContainer: typeof deleteContainer = {
  ...deleteContainer,
  id: 'openstack.storage.containers.remove',
}

// --- what is done with them -------------------------------------------------------------------------------------

export function listAllSwiftContainers(
  api: Api,
  filter: SwiftContainerFilter = {},
  options: CallOptions = {},
): Observable<ContainerItem> {
  const { account, prefix, ...page } = filter
  refuse(filter, ['until', 'shared', 'public'], 'filter')
  refuse(options, timeConditions, 'options')
  if (account !== undefined) textArgument('filter.account', account)
  checkText(prefix, 'filter.prefix')
  checkText(page.marker, 'filter.marker')
  return listPages(page, (wanted) =>
    call(api, listSwiftContainers, { account, parameters: { ...wanted, prefix } }, options),
  )
}

export function readSwiftContainer(
  api: Api,
  container: ContainerTarget,
  options: CallOptions = {},
): Observable<SwiftContainerInfo> {
  refuse(options, ['until', ...timeConditions], 'options')
  return call(api, headSwiftContainer, containerName(container, 'container'), options)
}

export function createSwiftContainer(
  api: Api,
  features: Features,
  container: ContainerTarget,
  settings: SwiftContainerSettings = {},
  options?: CallOptions,
): Observable<{ readonly created: boolean }> {
  const { metadata = {}, storagePolicy, versioning } = settings
  refuse(settings, ['project'], 'settings')
  refuseReserved(metadata, 'settings.metadata')
  const headers = {
    ...settingHeaders(settings, 'settings'),
    ...plainHeader('x-storage-policy', storagePolicy, 'settings.storagePolicy'),
    ...metadataHeaders('container', metadata, 'settings.metadata'),
  }
  const created = call(
    api,
    putSwiftContainer,
    { name: containerName(container, 'container'), headers },
    options,
  )
  return versioning === 'auto' ? withVersions(features, options, created) : created
}

export function changeSwiftContainer(
  api: Api,
  features: Features,
  container: ContainerTarget,
  changes: SwiftContainerChanges,
  options: ChangeOptions = {},
): Observable<void> {
  const name = containerName(container, 'container')
  const { metadata = {}, versioning } = changes
  refuse(changes, ['project', 'storagePolicy'], 'changes')
  refuseReserved(metadata, 'changes.metadata')
  const headers = {
    ...settingHeaders(changes, 'changes'),
    ...metadataChangeHeaders('container', metadata, 'changes.metadata'),
  }
  const change = (more: Readonly<Record<string, string>> = {}): Observable<void> =>
    call(api, postSwiftContainer, { name, headers: { ...headers, ...more } }, options)
  const changed = change()
  const changedAll =
    options.replace !== true
      ? changed
      : call(api, headSwiftContainer, name, options).pipe(
          concatMap((present) => change(removalOfRest('container', present.metadata, metadata))),
        )
  return versioning === 'auto' ? withVersions(features, options, changedAll) : changedAll
}

/** Removes an empty container. If the first answer was lost, it is not there any more when asked for again. */
export function removeSwiftContainer(
  api: Api,
  container: ContainerTarget,
  options?: CallOptions,
): Observable<void> {
  return call(api, deleteSwiftContainer, { name: containerName(container, 'container') }, options).pipe(
    goneIsGone(),
  )
}

/** Here a quota of 0 lets nothing in, where the other dialect means that there is none. */
function settingHeaders(
  { quota, versioning, read, write }: SwiftContainerChanges,
  argument: string,
): Record<string, string> {
  return {
    ...(quota === undefined ? {} : quotaHeaders(quota, argument)),
    ...(versioning === undefined
      ? {}
      : {
          'x-versions-enabled': String(
            versioning !== null && oneOf(`${argument}.versioning`, versioning, ['auto', 'none']) === 'auto',
          ),
        }),
    ...(read === undefined ? {} : accessHeaders('read', read, argument)),
    ...(write === undefined ? {} : accessHeaders('write', write, argument)),
  }
}

function quotaHeaders(quota: number | null, argument: string): Record<string, string> {
  const bytes = quota === null ? 0 : wholeNumber(`${argument}.quota`, quota)
  return bytes === 0
    ? { 'x-remove-container-meta-quota-bytes': 'true' }
    : { 'x-container-meta-quota-bytes': String(bytes) }
}

function accessHeaders(
  kind: 'read' | 'write',
  elements: readonly string[] | null,
  argument: string,
): Record<string, string> {
  if (elements === null || elements.length === 0) return { [`x-remove-container-${kind}`]: 'true' }
  const isList = Array.isArray(elements)
  // Neither a comma, which separates them, nor anything that a header cannot hold as it is.
  if (!isList || !elements.every((element) => typeof element === 'string' && /^[!-+\--~]+$/.test(element))) {
    throw new TypeError(`${argument}.${kind}: expected a list of elements in printable ASCII, without commas`)
  }
  return { [`x-container-${kind}`]: elements.join(',') }
}
