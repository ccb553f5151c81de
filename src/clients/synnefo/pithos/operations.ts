import { z } from 'zod'
import { header, json, jsonBody, nothing, query } from '../../../http/codecs.js'
import type { BodySink, HttpResponse, Operation } from '../../../http/types.js'
import {
  accountPath,
  byteRange,
  containerPath,
  decodeHeader,
  encodeHeader,
  metadataHeaders,
  objectPath,
  quoteTag,
  type ContainerName,
  type ObjectName,
} from './names.js'
import {
  containerItem,
  directoryItem,
  hashList,
  hashmap,
  objectItem,
  type AccountInfo,
  type ContainerFilter,
  type ContainerInfo,
  type ContainerItem,
  type ContainerSettings,
  type Hashmap,
  type ListItem,
  type ObjectFilter,
  type ObjectInfo,
} from './schemas.js'

const service = 'object-store'
/** Sent with every request: without it, names that end in `.xml` are answered in XML (pithos dossier 4.1). */
const format = { format: 'json' } as const

// --- account and containers ---------------------------------------------------------------------------------

export const headAccount: Operation<{ readonly account: string | undefined }, AccountInfo> = {
  id: 'synnefo.pithos.account.get',
  service,
  method: 'HEAD',
  path: '/{account}',
  success: [204, 200],
  encode: ({ account }) => ({ path: accountPath(account), query: query(format) }),
  decode: (response) => ({
    containers: numberIn(response, 'x-account-container-count'),
    bytes: numberIn(response, 'x-account-bytes-used'),
    quota: numberIn(response, 'x-account-policy-quota'),
    lastModified: header(response, 'last-modified'),
    metadata: metadataIn(response, 'x-account-meta-'),
  }),
}

export const listContainers: Operation<ContainerFilter, readonly ContainerItem[]> = {
  id: 'synnefo.pithos.containers.list',
  service,
  method: 'GET',
  path: '/{account}',
  success: [200],
  encode: ({ marker, limit }) => ({ path: accountPath(), query: query({ ...format, limit, marker }) }),
  decode: json(z.array(z.looseObject({ name: z.string() })), z.array(containerItem)),
}

export const headContainer: Operation<ContainerName, ContainerInfo> = {
  id: 'synnefo.pithos.containers.get',
  service,
  method: 'HEAD',
  path: '/{account}/{container}',
  success: [204, 200],
  encode: (name) => ({ path: containerPath(name), query: query(format) }),
  decode: (response) => ({
    count: numberIn(response, 'x-container-object-count'),
    bytes: numberIn(response, 'x-container-bytes-used'),
    blockSize: numberIn(response, 'x-container-block-size'),
    blockHash: textIn(response, 'x-container-block-hash'),
    quota: numberIn(response, 'x-container-policy-quota'),
    versioning: textIn(response, 'x-container-policy-versioning'),
    project: textIn(response, 'x-container-policy-project'),
    lastModified: header(response, 'last-modified'),
    metadata: metadataIn(response, 'x-container-meta-'),
  }),
}

export const putContainer: Operation<
  { readonly name: ContainerName; readonly settings: ContainerSettings },
  { readonly created: boolean }
> = {
  id: 'synnefo.pithos.containers.create',
  service,
  method: 'PUT',
  path: '/{account}/{container}',
  success: [201, 202],
  encode: ({ name, settings: { quota, versioning, project, metadata } }) => ({
    path: containerPath(name),
    query: query(format),
    headers: {
      ...(quota === undefined ? {} : { 'x-container-policy-quota': String(quota) }),
      ...(versioning === undefined ? {} : { 'x-container-policy-versioning': versioning }),
      ...(project === undefined ? {} : { 'x-container-policy-project': encodeHeader(project) }),
      ...(metadata === undefined ? {} : metadataHeaders('container', metadata, 'settings.metadata')),
    },
  }),
  decode: ({ status }) => ({ created: status === 201 }),
}

export const deleteContainer: Operation<ContainerName, void> = {
  id: 'synnefo.pithos.containers.remove',
  service,
  method: 'DELETE',
  path: '/{account}/{container}',
  success: [204],
  encode: (name) => ({ path: containerPath(name), query: query(format) }),
  decode: nothing,
}

// --- objects ------------------------------------------------------------------------------------------------

const anyItem = z.union([z.looseObject({ name: z.string() }), directoryItem])

export const listObjects: Operation<
  { readonly name: ContainerName; readonly filter: ObjectFilter },
  readonly ListItem[]
> = {
  id: 'synnefo.pithos.objects.list',
  service,
  method: 'GET',
  path: '/{account}/{container}',
  success: [200],
  encode: ({ name, filter: { prefix, delimiter, marker, limit } }) => ({
    path: containerPath(name),
    query: query({ ...format, limit, marker, prefix, delimiter }),
  }),
  decode: json<readonly ListItem[]>(z.array(anyItem), z.array(z.union([directoryItem, objectItem]))),
}

/** An object, of its newest version or of a given one. */
export interface ObjectVersion {
  readonly name: ObjectName
  readonly version?: number | undefined
}

export const headObject: Operation<ObjectVersion, ObjectState> = {
  id: 'synnefo.pithos.objects.get',
  service,
  method: 'HEAD',
  path: '/{account}/{container}/{object}',
  success: [200],
  encode: ({ name, version }) => ({ path: objectPath(name), query: query({ ...format, version }) }),
  decode: (response) => stateIn(response, numberIn(response, 'content-length') ?? 0),
}

export const deleteObject: Operation<ObjectName, void> = {
  id: 'synnefo.pithos.objects.remove',
  service,
  method: 'DELETE',
  path: '/{account}/{container}/{object}',
  success: [204],
  encode: (name) => ({ path: objectPath(name), query: query(format) }),
  decode: nothing,
}

// --- blocks (pithos dossier 9.3, 10) --------------------------------------------------------------------------

/** The block hashes of an object; with an entity tag, of no other content than that. */
export const getHashmap: Operation<ObjectVersion & { readonly etag?: string | undefined }, Hashmap> = {
  id: 'synnefo.pithos.objects.getHashmap',
  service,
  method: 'GET',
  path: '/{account}/{container}/{object}?hashmap',
  success: [200],
  encode: ({ name, version, etag }) => ({
    path: objectPath(name),
    query: query({ ...format, hashmap: true, version }),
    headers: matching(etag),
  }),
  decode: json<Hashmap>(hashmap),
}

/** Everything that an object is made of when it is put. */
export interface NewObject {
  readonly name: ObjectName
  readonly bytes: number
  readonly hashes: readonly string[]
  readonly contentType: string
  readonly metadata: Readonly<Record<string, string>>
  readonly ifMatch?: string | undefined
  readonly ifNoneMatch?: string | undefined
}

/** An object was put together; or blocks of it are not there, and nothing was done. */
export type PutAnswer =
  | { readonly kind: 'created'; readonly etag: string | undefined; readonly version: number | undefined }
  | { readonly kind: 'missing'; readonly hashes: readonly string[] }

export const putHashmap: Operation<NewObject, PutAnswer> = {
  id: 'synnefo.pithos.objects.putHashmap',
  service,
  method: 'PUT',
  path: '/{account}/{container}/{object}?hashmap',
  // 409 is the list of what is missing.
  success: [201, 409],
  encode: ({ name, bytes, hashes, contentType, metadata, ifMatch, ifNoneMatch }) => ({
    path: objectPath(name),
    query: query({ ...format, hashmap: true }),
    ...jsonBody({ bytes, hashes }),
    headers: {
      'content-type': contentType,
      ...metadataHeaders('object', metadata, 'options.metadata'),
      ...matching(ifMatch),
      ...(ifNoneMatch === undefined ? {} : { 'if-none-match': quoteTag(ifNoneMatch) }),
    },
  }),
  decode: (response, context) =>
    response.status === 201
      ? { kind: 'created', etag: header(response, 'etag'), version: versionIn(response) }
      : { kind: 'missing', hashes: readHashes(response, context) },
}
const readHashes = json<readonly string[]>(hashList)

/** Stores a block under its hash; emits the hashes that the server made of it. Any container of the own account will do. */
export const postBlock: Operation<
  { readonly container: string; readonly block: Uint8Array },
  readonly string[]
> = {
  id: 'synnefo.pithos.blocks.create',
  service,
  method: 'POST',
  path: '/{account}/{container}?update',
  success: [202],
  idempotent: true,
  encode: ({ container, block }) => ({
    path: containerPath({ container }),
    query: query({ update: true, ...format }),
    headers: { 'content-type': 'application/octet-stream' },
    body: block,
  }),
  decode: readHashes,
}

/** Reads part of an object into a sink. The server does not cut a range at the end of the object (dossier 10). */
export const getRange: Operation<
  {
    readonly name: ObjectName
    readonly offset: number
    readonly length: number
    readonly etag?: string | undefined
    readonly version?: number | undefined
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
    query: query({ ...format, version }),
    headers: { range: byteRange(offset, length), ...matching(etag) },
    sink,
  }),
  decode: nothing,
}

function matching(etag: string | undefined): Record<string, string> {
  return etag === undefined ? {} : { 'if-match': quoteTag(etag) }
}

// --- headers --------------------------------------------------------------------------------------------------

/** What the headers of an answer say of an object; its name they do not. */
export type ObjectState = Omit<ObjectInfo, 'container' | 'name'>

/** The headers of an answer, with the name that was asked for. */
export function named({ container, object }: ObjectName, state: ObjectState): ObjectInfo {
  return { container, name: object, ...state }
}

function stateIn(response: HttpResponse, bytes: number): ObjectState {
  return {
    bytes,
    contentType: textIn(response, 'content-type'),
    etag: header(response, 'etag'),
    hash: textIn(response, 'x-object-hash'),
    version: versionIn(response),
    uuid: textIn(response, 'x-object-uuid'),
    modifiedBy: textIn(response, 'x-object-modified-by'),
    lastModified: header(response, 'last-modified'),
    manifest: textIn(response, 'x-object-manifest'),
    metadata: metadataIn(response, 'x-object-meta-'),
  }
}

function textIn(response: HttpResponse, name: string): string | undefined {
  const value = header(response, name)
  return value === undefined ? undefined : decodeHeader(value)
}

function numberIn(response: HttpResponse, name: string): number | undefined {
  const value = header(response, name)
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined
}

/** Some answers have other text in its place (pithos dossier 7.5). */
function versionIn(response: HttpResponse): number | undefined {
  return numberIn(response, 'x-object-version')
}

/** Metadata by its names in lower case. */
function metadataIn(response: HttpResponse, prefix: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.keys(response.headers)
      .filter((name) => name.startsWith(prefix))
      .map((name) => [decodeHeader(name.slice(prefix.length)), textIn(response, name) ?? '']),
  )
}
