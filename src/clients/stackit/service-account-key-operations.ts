import { z } from 'zod'
import { json, jsonBody, nothing, segment } from '../../http/codecs.js'
import type { DecodeContext, HttpResponse, Operation } from '../../http/types.js'

// The keys of a service account: service-account API v2.

/** Whose keys. */
export interface ServiceAccountRef {
  readonly projectId: string
  readonly serviceAccountEmail: string
}
export interface ServiceAccountKeyRef extends ServiceAccountRef {
  readonly keyId: string
}

/** A key as listed. */
export interface ServiceAccountKeySummary {
  readonly id: string
  /** RFC 3339. */
  readonly createdAt?: string
  readonly validUntil?: string | null | undefined
  readonly keyType?: 'USER_MANAGED' | 'SYSTEM_MANAGED' | (string & {})
  readonly keyOrigin?: 'USER_PROVIDED' | 'GENERATED' | (string & {})
  readonly keyAlgorithm?: 'RSA_2048' | 'RSA_4096' | (string & {})
  readonly active?: boolean
}
/** A key with what logs in with it, but for the private key. */
export interface ServiceAccountKey extends ServiceAccountKeySummary {
  /** PEM. */
  readonly publicKey?: string | undefined
  readonly credentials: {
    readonly kid: string
    readonly iss: string
    readonly sub: string
    readonly aud: string
  }
}
/** A new key. The private key is given this once, if the service made it. */
export interface CreatedServiceAccountKey extends ServiceAccountKey {
  readonly credentials: ServiceAccountKey['credentials'] & {
    /** PEM. Readable, but not enumerable: printing, copying and serialising leave it out. */
    readonly privateKey?: string
    readonly tokenEndpoint?: string
  }
}
export interface ServiceAccountKeySpec {
  readonly algorithm?: 'RSA_2048' | 'RSA_4096'
  /** PEM of a key pair of your own. Default: the service makes one. */
  readonly publicKey?: string | undefined
  /** RFC 3339. Default: without end. */
  readonly validUntil?: string
}

const service = 'service-account'
const pathOfKeys = ({ projectId, serviceAccountEmail }: ServiceAccountRef): string =>
  `/v2/projects/${named('projectId', projectId)}/service-accounts/${named('serviceAccountEmail', serviceAccountEmail)}/keys`
const pathOfKey = (args: ServiceAccountKeyRef): string => `${pathOfKeys(args)}/${named('keyId', args.keyId)}`

/** One segment of a path; an empty one would reach another resource. */
function named(argument: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return segment(value)
  throw new TypeError(`${argument}: expected a text that is not empty`)
}

const steeringSummary = z.looseObject({ id: z.string() })
const describedSummary = z.looseObject({
  id: z.string(),
  createdAt: z.string(),
  validUntil: z.string().nullish(),
  keyType: z.string(),
  keyOrigin: z.string(),
  keyAlgorithm: z.string(),
  active: z.boolean(),
})
const credentials = z.looseObject({ kid: z.string(), iss: z.string(), sub: z.string(), aud: z.string() })
const steeringKey = steeringSummary.extend({ credentials })
const describedKey = describedSummary.extend({ publicKey: z.string().optional(), credentials })

const readKeys = json<{ readonly items: readonly ServiceAccountKeySummary[] }>(
  z.looseObject({ items: z.array(steeringSummary) }),
  z.looseObject({ items: z.array(describedSummary) }),
)
const readKey = json<ServiceAccountKey>(steeringKey, describedKey)

function readCreatedKey(response: HttpResponse, context: DecodeContext): CreatedServiceAccountKey {
  const key: CreatedServiceAccountKey = readKey(response, context)
  if ('privateKey' in key.credentials) {
    Object.defineProperty(key.credentials, 'privateKey', { enumerable: false })
  }
  return key
}

export const listServiceAccountKeys: Operation<ServiceAccountRef, readonly ServiceAccountKeySummary[]> = {
  id: 'stackit.serviceAccountKeys.list',
  service,
  method: 'GET',
  path: '/v2/projects/{projectId}/service-accounts/{serviceAccountEmail}/keys',
  success: [200],
  encode: (args) => ({ path: pathOfKeys(args) }),
  decode: (response, context) => readKeys(response, context).items,
}

export const getServiceAccountKey: Operation<ServiceAccountKeyRef, ServiceAccountKey> = {
  id: 'stackit.serviceAccountKeys.get',
  service,
  method: 'GET',
  path: '/v2/projects/{projectId}/service-accounts/{serviceAccountEmail}/keys/{keyId}',
  success: [200],
  encode: (args) => ({ path: pathOfKey(args) }),
  decode: readKey,
}

export const createServiceAccountKey: Operation<
  ServiceAccountRef & { readonly body?: ServiceAccountKeySpec },
  CreatedServiceAccountKey
> = {
  id: 'stackit.serviceAccountKeys.create',
  service,
  method: 'POST',
  path: '/v2/projects/{projectId}/service-accounts/{serviceAccountEmail}/keys',
  success: [201],
  encode: (args) => ({ path: pathOfKeys(args), ...jsonBody(args.body ?? {}) }),
  decode: readCreatedKey,
}

export const removeServiceAccountKey: Operation<ServiceAccountKeyRef, void> = {
  id: 'stackit.serviceAccountKeys.remove',
  service,
  method: 'DELETE',
  path: '/v2/projects/{projectId}/service-accounts/{serviceAccountEmail}/keys/{keyId}',
  success: [200],
  encode: (args) => ({ path: pathOfKey(args) }),
  decode: nothing,
}
