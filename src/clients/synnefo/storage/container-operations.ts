import { header, nothing, query } from '../../../http/codecs.js'
import type { HttpResponse, Operation } from '../../../http/types.js'
import type { Change } from './account-operations.js'
import {
  conditionHeaders,
  format,
  metadataIn,
  numberIn,
  service,
  textIn,
  type Parameters,
} from './headers.js'
import { containerPath, decodeHeader, type ContainerName } from './names.js'
import type { TimeConditions } from './options.js'
import type { ContainerInfo } from './schemas.js'

/** A container as it is, or as it was. */
export interface ContainerRequest extends ContainerName {
  readonly until?: number | undefined
  readonly conditions?: TimeConditions
}

export const headContainer: Operation<ContainerRequest, ContainerInfo> = {
  id: 'synnefo.pithos.containers.get',
  service,
  method: 'HEAD',
  path: '/{account}/{container}',
  success: [204, 200],
  encode: ({ until, conditions = {}, ...name }) => ({
    path: containerPath(name),
    query: query({ ...format, until }),
    headers: conditionHeaders(conditions),
  }),
  decode: (response) => ({
    count: numberIn(response, 'x-container-object-count'),
    bytes: numberIn(response, 'x-container-bytes-used'),
    blockSize: numberIn(response, 'x-container-block-size'),
    blockHash: textIn(response, 'x-container-block-hash'),
    // The second is Swift's (pithos dossier 14.1).
    quota:
      numberIn(response, 'x-container-policy-quota') ?? numberIn(response, 'x-container-meta-quota-bytes'),
    versioning: versioningIn(response),
    project: textIn(response, 'x-container-policy-project'),
    until: textIn(response, 'x-container-until-timestamp'),
    lastModified: header(response, 'last-modified'),
    metadata: metadataIn(response, 'x-container-meta-'),
    objectMetadata: (header(response, 'x-container-object-meta') ?? '')
      .split(',')
      .filter((name) => name !== '')
      .map(decodeHeader),
  }),
}

/** Pithos has a policy, Swift a switch (pithos dossier 14.1). */
function versioningIn(response: HttpResponse): string | undefined {
  const policy = textIn(response, 'x-container-policy-versioning')
  const isOn = header(response, 'x-versions-enabled')?.toLowerCase()
  if (policy !== undefined || isOn === undefined) return policy
  return isOn === 'true' ? 'auto' : 'none'
}

export const putContainer: Operation<
  { readonly name: ContainerName; readonly headers: Readonly<Record<string, string>> },
  { readonly created: boolean }
> = {
  id: 'synnefo.pithos.containers.create',
  service,
  method: 'PUT',
  path: '/{account}/{container}',
  success: [201, 202],
  encode: ({ name, headers }) => ({ path: containerPath(name), query: query(format), headers }),
  decode: ({ status }) => ({ created: status === 201 }),
}

export const postContainer: Operation<Change & { readonly name: ContainerName }, void> = {
  id: 'synnefo.pithos.containers.update',
  service,
  method: 'POST',
  path: '/{account}/{container}',
  success: [202, 204],
  idempotent: true,
  encode: ({ name, replace = false, headers }) => ({
    path: containerPath(name),
    query: query({ update: replace ? undefined : true, ...format }),
    headers,
  }),
  decode: nothing,
}

export const deleteContainer: Operation<
  { readonly name: ContainerName; readonly parameters?: Parameters },
  void
> = {
  id: 'synnefo.pithos.containers.remove',
  service,
  method: 'DELETE',
  path: '/{account}/{container}',
  success: [204],
  encode: ({ name, parameters }) => ({
    path: containerPath(name),
    query: query({ ...format, ...parameters }),
  }),
  decode: nothing,
}
