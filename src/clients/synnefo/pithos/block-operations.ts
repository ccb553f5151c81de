import { header, json, jsonBody, query } from '../../../http/codecs.js'
import type { Operation } from '../../../http/types.js'
import { conditionHeaders, format, service, versionIn } from '../storage/headers.js'
import { containerPath, objectPath, type ObjectName } from '../storage/names.js'
import type { ObjectVersion } from '../storage/object-operations.js'
import type { ReadConditions } from '../storage/options.js'
import { hashList, hashmap, type Hashmap } from '../storage/schemas.js'

/** The block hashes of an object, if the conditions hold. */
export const getHashmap: Operation<ObjectVersion & { readonly conditions?: ReadConditions }, Hashmap> = {
  id: 'synnefo.pithos.objects.getHashmap',
  service,
  method: 'GET',
  path: '/{account}/{container}/{object}?hashmap',
  success: [200],
  encode: ({ name, version, conditions = {} }) => ({
    path: objectPath(name),
    query: query({ ...format, hashmap: true, version }),
    headers: conditionHeaders(conditions),
  }),
  decode: json<Hashmap>(hashmap),
}

/** Everything that an object is made of when it is put. */
export interface NewObject {
  readonly name: ObjectName
  readonly bytes: number
  readonly hashes: readonly string[]
  /** Its type among them, without which the server refuses it. */
  readonly headers: Readonly<Record<string, string>>
}

/** An object was put together; or blocks of it are not there, and nothing was done. */
export type PutAnswer =
  | {
      readonly kind: 'created'
      readonly etag: string | undefined
      readonly version: number | string | undefined
    }
  | { readonly kind: 'missing'; readonly hashes: readonly string[] }

export const putHashmap: Operation<NewObject, PutAnswer> = {
  id: 'synnefo.pithos.objects.putHashmap',
  service,
  method: 'PUT',
  path: '/{account}/{container}/{object}?hashmap',
  // 409 is the list of what is missing.
  success: [201, 409],
  encode: ({ name, bytes, hashes, headers }) => ({
    path: objectPath(name),
    query: query({ ...format, hashmap: true }),
    ...jsonBody({ bytes, hashes }),
    headers,
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
