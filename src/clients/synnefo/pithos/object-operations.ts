import { z } from 'zod'
import { json, query } from '../../../http/codecs.js'
import type { Operation } from '../../../http/types.js'
import { format, service } from '../storage/headers.js'
import { objectPath, type ObjectName } from '../storage/names.js'
import { putCopy, putIn, type NewObjectRequest } from '../storage/object-operations.js'
import type { PutObject } from '../storage/schemas.js'

// --- listings -----------------------------------------------------------------------------------------------

const sharingAccount = z.looseObject({ name: z.string(), last_modified: z.string().optional() })
/** An account that shares something with the user, under its names on the wire. */
export type SharingAccount = Readonly<z.infer<typeof sharingAccount>>

export const listSharingAccounts: Operation<
  { readonly limit: number; readonly marker: string | undefined },
  readonly SharingAccount[]
> = {
  id: 'synnefo.pithos.sharedWithMe',
  service,
  method: 'GET',
  path: '/',
  success: [200],
  encode: (page) => ({ path: '/', query: query({ ...format, ...page }) }),
  decode: json<readonly SharingAccount[]>(z.array(sharingAccount)),
}

const versionList = z.looseObject({
  versions: z.array(z.tuple([z.number(), z.union([z.number(), z.string()])])),
})

/** A version of an object. */
export interface ListedVersion {
  readonly version: number
  /** When it was made, in seconds since the epoch, with decimals. */
  readonly timestamp: number
}

export const listVersions: Operation<ObjectName, readonly ListedVersion[]> = {
  id: 'synnefo.pithos.objects.versions',
  service,
  method: 'GET',
  path: '/{account}/{container}/{object}?version=list',
  success: [200],
  encode: (name) => ({ path: objectPath(name), query: query({ ...format, version: 'list' }) }),
  decode: (response, context) =>
    readVersions(response, context).versions.map(([version, time]) => ({ version, timestamp: Number(time) })),
}
const readVersions = json<z.infer<typeof versionList>>(versionList)

// --- copies (pithos dossier 7.5) ----------------------------------------------------------------------------

/** Moved once, it is not there to be moved again: an answer that is lost is not asked for twice. */
export const putMove: typeof putCopy = { ...putCopy, id: 'synnefo.pithos.objects.move', idempotent: false }

/** Copies an object, named by the path, to the destination that is named in a header. Conditions are those of the source. */
export const copyTo: Operation<NewObjectRequest, PutObject> = {
  ...putCopy,
  id: 'synnefo.pithos.objects.copyTo',
  method: 'COPY',
}

export const moveTo: Operation<NewObjectRequest, PutObject> = {
  ...putMove,
  id: 'synnefo.pithos.objects.moveTo',
  method: 'MOVE',
}

// --- data (pithos dossier 8) --------------------------------------------------------------------------------

/** Changes the content of an object in place. Sent twice, it may be done twice. */
export const postData: Operation<NewObjectRequest, PutObject> = {
  id: 'synnefo.pithos.objects.updateData',
  service,
  method: 'POST',
  path: '/{account}/{container}/{object}?update',
  success: [204],
  encode: ({ name, headers, body }) => ({
    path: objectPath(name),
    query: query({ update: true, ...format }),
    headers,
    ...(body === undefined ? {} : { body }),
  }),
  decode: putIn,
}

/** For what is the same when it is done twice, or cannot be done twice. */
export const postRepeatableData: typeof postData = { ...postData, idempotent: true }
