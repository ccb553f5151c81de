import { z } from 'zod'
import { header, json, jsonBody, nothing, query } from '../../../http/codecs.js'
import type { Operation } from '../../../http/types.js'
import {
  conditionHeaders,
  format,
  matching,
  numberIn,
  service,
  stateIn,
  versionIn,
  type ObjectState,
} from '../storage/headers.js'
import {
  accountPath,
  containerPath,
  encodeBytes,
  objectPath,
  type ContainerName,
  type ObjectName,
} from '../storage/names.js'
import type { NewObjectRequest, ObjectVersion } from '../storage/object-operations.js'
import type { ReadConditions } from '../storage/options.js'

// Objects that are put together from others (pithos dossier 14.2, 14.3).

// --- looking ------------------------------------------------------------------------------------------------

/** What an object is. A dynamic large object names its segments in `state.manifest`. */
export interface SwiftObject {
  readonly state: ObjectState
  /** Whether it is a static large object. */
  readonly isStatic: boolean
  /** Of the list of segments, not of the content. */
  readonly manifestEtag: string | undefined
}

export const headLargeObject: Operation<
  ObjectVersion & { readonly conditions?: ReadConditions },
  SwiftObject
> = {
  id: 'openstack.storage.objects.get',
  service,
  method: 'HEAD',
  path: '/{account}/{container}/{object}',
  success: [200],
  encode: ({ name, version, conditions = {} }) => ({
    path: objectPath(name),
    query: query({ ...format, 'version-id': version }),
    headers: conditionHeaders(conditions),
  }),
  decode: (response) => ({
    state: stateIn(response, numberIn(response, 'content-length') ?? 0),
    isStatic: header(response, 'x-static-large-object')?.toLowerCase() === 'true',
    manifestEtag: header(response, 'x-manifest-etag'),
  }),
}

const listedSegment = z.union([
  z.looseObject({
    name: z.string(),
    bytes: z.number().int().nonnegative(),
    hash: z.string(),
    range: z.string().optional(),
    sub_slo: z.boolean().optional(),
  }),
  z.looseObject({ data: z.string() }),
])
/** A segment as the manifest lists it: an object, a range of one, another large object, or bytes in Base64. */
export type ListedSegment = Readonly<z.infer<typeof listedSegment>>

export const getManifest: Operation<
  ObjectVersion & { readonly etag?: string | undefined },
  readonly ListedSegment[]
> = {
  id: 'openstack.storage.objects.getManifest',
  service,
  method: 'GET',
  path: '/{account}/{container}/{object}?multipart-manifest=get',
  success: [200],
  encode: ({ name, version, etag }) => ({
    path: objectPath(name),
    query: query({ ...format, 'multipart-manifest': 'get', 'version-id': version }),
    headers: matching(etag),
  }),
  decode: json<readonly ListedSegment[]>(z.array(listedSegment)),
}

// --- making -------------------------------------------------------------------------------------------------

/** An object as it was put. */
export interface SwiftPut {
  readonly etag: string | undefined
  readonly version: number | string | undefined
  readonly lastModified: string | undefined
}

/** Makes an object; its MD5 in the header `etag` has the server verify what arrives. */
export const putContent: Operation<NewObjectRequest, SwiftPut> = {
  id: 'openstack.storage.objects.write',
  service,
  method: 'PUT',
  path: '/{account}/{container}/{object}',
  success: [201],
  encode: ({ name, headers, parameters, body }) => ({
    path: objectPath(name),
    query: query({ ...format, ...parameters }),
    headers,
    ...(body === undefined ? {} : { body }),
  }),
  decode: (response) => ({
    etag: header(response, 'etag'),
    version: versionIn(response),
    lastModified: header(response, 'last-modified'),
  }),
}

export const putSegment: typeof putContent = { ...putContent, id: 'openstack.storage.segments.write' }

/** A segment as a manifest names it. */
export interface NamedSegment {
  /** `/container/object`, not encoded. */
  readonly path: string
  readonly etag: string
  readonly size_bytes: number
}

export const putManifest: Operation<
  Omit<NewObjectRequest, 'body' | 'parameters'> & { readonly segments: readonly NamedSegment[] },
  SwiftPut
> = {
  ...putContent,
  id: 'openstack.storage.objects.putManifest',
  path: '/{account}/{container}/{object}?multipart-manifest=put',
  encode: ({ name, headers, segments }) => ({
    path: objectPath(name),
    query: query({ ...format, 'multipart-manifest': 'put' }),
    ...jsonBody(segments),
    headers,
  }),
}

// --- around them --------------------------------------------------------------------------------------------

/** What decides of the segments of objects in a container. */
export interface SegmentRules {
  /** Where the store keeps them. */
  readonly policy: string | undefined
  /** Whether old versions of objects are kept, or were once. */
  readonly isVersioned: boolean
}

export const headSegmentRules: Operation<ContainerName, SegmentRules> = {
  id: 'openstack.storage.containers.get',
  service,
  method: 'HEAD',
  path: '/{account}/{container}',
  success: [204, 200],
  encode: (name) => ({ path: containerPath(name), query: query(format) }),
  decode: (response) => ({
    policy: header(response, 'x-storage-policy'),
    isVersioned: ['x-versions-enabled', 'x-versions-location', 'x-history-location'].some(
      (name) => header(response, name) !== undefined,
    ),
  }),
}

/** Removes many objects of one account. What could not be removed is in the body, and of no interest here. */
export const bulkDelete: Operation<
  { readonly account: string | undefined; readonly names: readonly ObjectName[] },
  void
> = {
  id: 'openstack.storage.objects.bulkDelete',
  service,
  method: 'POST',
  path: '/{account}?bulk-delete',
  success: [200],
  idempotent: true,
  encode: ({ account, names }) => ({
    path: accountPath(account),
    query: query({ ...format, 'bulk-delete': true }),
    headers: { 'content-type': 'text/plain' },
    body: names.map(({ container, object }) => encodeBytes(`${container}/${object}`)).join('\n'),
  }),
  decode: nothing,
}
