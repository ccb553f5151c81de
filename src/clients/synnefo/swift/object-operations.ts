import { z } from 'zod'
import { json, nothing, query } from '../../../http/codecs.js'
import type { HttpResponse, Operation } from '../../../http/types.js'
import { format, numberIn, service, type Parameters as QueryParameters } from '../storage/headers.js'
import { containerPath, objectPath, type ContainerName, type ObjectName } from '../storage/names.js'
import { getObject, headObject, type NewObjectRequest } from '../storage/object-operations.js'
import { swiftStateIn, type SwiftObjectState } from './headers.js'
import { putContent } from './large-object-operations.js'
import {
  anySwiftItem,
  describedSwiftItem,
  swiftVersion,
  type SwiftListItem,
  type SwiftVersion,
} from './schemas.js'

// Objects of Swift (pithos dossier 14.1, 14.4).

export const headSwiftObject: Operation<HeadRequest, SwiftObjectState> = {
  ...headObject,
  id: 'openstack.storage.objects.get',
  decode: (response) => swiftStateIn(response, numberIn(response, 'content-length') ?? 0),
}
type HeadRequest = Parameters<typeof headObject.encode>[0]

/** The headers of an object as they are. */
export const headRawObject: Operation<HeadRequest, HttpResponse> = {
  ...headSwiftObject,
  decode: (response) => response,
}

/** Reads an object, or what a `Range` header names of it. */
export const getSwiftObject: typeof getObject = { ...getObject, id: 'openstack.storage.objects.read' }

/** A stream is read once, and so the request is sent once. */
export const putSwiftStream: typeof putContent = { ...putContent, idempotent: false }

/** Swift replaces what is kept with an object by what the headers say. */
export const postSwiftObject: Operation<
  { readonly name: ObjectName; readonly headers: Readonly<Record<string, string>> },
  void
> = {
  id: 'openstack.storage.objects.update',
  service,
  method: 'POST',
  path: '/{account}/{container}/{object}',
  success: [202, 204],
  idempotent: true,
  encode: ({ name, headers }) => ({ path: objectPath(name), headers }),
  decode: nothing,
}

/** Fetches a copy of an object, which the headers name. */
export const putSwiftCopy: typeof putContent = {
  ...putContent,
  id: 'openstack.storage.objects.copy',
  encode: encodeCopy,
}

/** Sends a copy of an object to where the headers say. */
export const copySwiftTo: typeof putContent = { ...putSwiftCopy, method: 'COPY' }

function encodeCopy({ name, headers, parameters }: NewObjectRequest): ReturnType<typeof putContent.encode> {
  return { path: objectPath(name), query: query({ ...parameters }), headers, body: '' }
}

// --- listings ---------------------------------------------------------------------------------------------------

interface ListRequest {
  readonly name: ContainerName
  readonly parameters: QueryParameters
}

export const listSwiftObjects: Operation<ListRequest, readonly SwiftListItem[]> = {
  id: 'openstack.storage.objects.list',
  service,
  method: 'GET',
  path: '/{account}/{container}',
  success: [200],
  encode: ({ name, parameters }) => ({
    path: containerPath(name),
    query: query({ ...format, ...parameters }),
  }),
  decode: json<readonly SwiftListItem[]>(z.array(anySwiftItem), z.array(describedSwiftItem)),
}

const steeredVersion = z.looseObject({ name: z.string(), version_id: z.string() })

export const listSwiftVersions: Operation<ListRequest, readonly SwiftVersion[]> = {
  ...listSwiftObjects,
  id: 'openstack.storage.objects.versions',
  path: '/{account}/{container}?versions',
  decode: json(z.array(steeredVersion), z.array(swiftVersion)),
}
