import { z } from 'zod'
import { header, json, nothing, query } from '../../../http/codecs.js'
import type { BodySink, HttpResponse, Operation, RequestParts } from '../../../http/types.js'
import type { Change } from './account-operations.js'
import {
  conditionHeaders,
  format,
  matching,
  numberIn,
  service,
  stateIn,
  versionIn,
  type ObjectState,
  type Parameters,
} from './headers.js'
import { byteRange, containerPath, objectPath, type ContainerName, type ObjectName } from './names.js'
import type { ReadConditions } from './options.js'
import { directoryItem, objectItem, type ListItem, type PutObject } from './schemas.js'

const anyItem = z.union([z.looseObject({ name: z.string() }), directoryItem])

export const listObjects: Operation<
  {
    readonly name: ContainerName
    readonly parameters: Parameters
    readonly headers?: Readonly<Record<string, string>>
  },
  readonly ListItem[]
> = {
  id: 'synnefo.pithos.objects.list',
  service,
  method: 'GET',
  path: '/{account}/{container}',
  success: [200],
  encode: ({ name, parameters, headers = {} }) => ({
    path: containerPath(name),
    query: query({ ...format, ...parameters }),
    headers,
  }),
  decode: json<readonly ListItem[]>(z.array(anyItem), z.array(z.union([directoryItem, objectItem]))),
}

/** An object, of its newest version or of a given one. */
export interface ObjectVersion {
  readonly name: ObjectName
  /** Pithos has numbers, Swift has texts, and another name for them. */
  readonly version?: number | string | undefined
}

function versionQuery(version: number | string | undefined): Parameters {
  return typeof version === 'string' ? { 'version-id': version } : { version }
}

export const headObject: Operation<ObjectVersion & { readonly conditions?: ReadConditions }, ObjectState> = {
  id: 'synnefo.pithos.objects.get',
  service,
  method: 'HEAD',
  path: '/{account}/{container}/{object}',
  success: [200],
  encode: ({ name, version, conditions = {} }) => ({
    path: objectPath(name),
    query: query({ ...format, ...versionQuery(version) }),
    headers: conditionHeaders(conditions),
  }),
  decode: (response) => stateIn(response, numberIn(response, 'content-length') ?? 0),
}

/** Reads an object, or what a `Range` header names of it. */
export const getObject: Operation<
  ObjectVersion & {
    readonly conditions?: ReadConditions
    /** A `Range` header. */
    readonly range?: string | undefined
    readonly sink?: BodySink | undefined
  },
  HttpResponse
> = {
  id: 'synnefo.pithos.objects.read',
  service,
  method: 'GET',
  path: '/{account}/{container}/{object}',
  success: [200, 206],
  encode: ({ name, version, conditions = {}, range, sink }) => ({
    path: objectPath(name),
    query: query({ ...format, ...versionQuery(version) }),
    headers: { ...conditionHeaders(conditions), ...(range === undefined ? {} : { range }) },
    ...(sink === undefined ? {} : { sink }),
  }),
  decode: (response) => response,
}

/** Reads part of an object into a sink. Pithos does not cut a range at the end of the object (pithos dossier 10). */
export const getRange: Operation<
  ObjectVersion & {
    readonly offset: number
    readonly length: number
    readonly etag?: string | undefined
    readonly sink: BodySink
  },
  void
> = {
  id: 'synnefo.pithos.objects.getRange',
  service,
  method: 'GET',
  path: '/{account}/{container}/{object}',
  success: [206, 200],
  encode: ({ name, offset, length, etag, version, sink }) => ({
    path: objectPath(name),
    query: query({ ...format, ...versionQuery(version) }),
    headers: { range: byteRange(offset, length), ...matching(etag) },
    sink,
  }),
  decode: nothing,
}

/** An object to be made: of a body, or of what the headers refer to. */
export interface NewObjectRequest {
  readonly name: ObjectName
  readonly headers: Readonly<Record<string, string>>
  readonly parameters?: Parameters
  readonly body?: Exclude<RequestParts['body'], undefined>
}

export const putObject: Operation<NewObjectRequest, PutObject> = {
  id: 'synnefo.pithos.objects.write',
  service,
  method: 'PUT',
  path: '/{account}/{container}/{object}',
  success: [201],
  encode: encodeNew,
  decode: putIn,
}

/** A stream is read once, and so the request is sent once. */
export const putStream: typeof putObject = { ...putObject, idempotent: false }

export const putCopy: typeof putObject = { ...putObject, id: 'synnefo.pithos.objects.copy' }

function encodeNew({ name, headers, parameters, body }: NewObjectRequest): RequestParts {
  return {
    path: objectPath(name),
    query: query({ ...format, ...parameters }),
    headers,
    ...(body === undefined ? {} : { body }),
  }
}

/** What an answer tells of an object that was put or changed. */
export function putIn(response: HttpResponse): PutObject {
  return { etag: header(response, 'etag'), version: versionIn(response) }
}

/** Changes what is kept with an object. */
export const postObject: Operation<Change & { readonly name: ObjectName }, void> = {
  id: 'synnefo.pithos.objects.update',
  service,
  method: 'POST',
  path: '/{account}/{container}/{object}',
  success: [202, 204],
  idempotent: true,
  encode: ({ name, replace = false, headers }) => ({
    path: objectPath(name),
    query: query({ update: replace ? undefined : true, ...format }),
    headers,
  }),
  decode: nothing,
}

export const deleteObject: Operation<{ readonly name: ObjectName; readonly parameters?: Parameters }, void> =
  {
    id: 'synnefo.pithos.objects.remove',
    service,
    method: 'DELETE',
    path: '/{account}/{container}/{object}',
    success: [204],
    encode: ({ name, parameters }) => ({
      path: objectPath(name),
      query: query({ ...format, ...parameters }),
    }),
    decode: nothing,
  }
