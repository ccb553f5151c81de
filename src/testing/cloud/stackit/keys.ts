import { createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { Chance } from '../chance.js'

const generate = promisify(generateKeyPair)

export type KeyAlgorithm = 'RSA_2048' | 'RSA_4096'

export interface ServiceAccount {
  /** The `sub` of its assertions. */
  readonly id: string
  /** The `iss` of its assertions. */
  readonly email: string
  readonly projectId: string
}

/** A key that the token service knows; it is its own public half only. */
export interface RegisteredKey {
  readonly id: string
  readonly kid: string
  readonly account: ServiceAccount
  readonly publicKey: KeyObject
  readonly publicKeyPem: string
  readonly algorithm: KeyAlgorithm
  readonly origin: 'USER_PROVIDED' | 'GENERATED'
  readonly createdAt: number
  validUntil: number | undefined
  active: boolean
}

/** The keys of the cloud's service accounts. */
export interface Keys {
  readonly accounts: readonly ServiceAccount[]
  addAccount(account: ServiceAccount): void
  /** With its keys; tokens of it are good no more. */
  removeAccount(email: string): void
  byKid(kid: string): RegisteredKey | undefined
  byId(id: string): RegisteredKey | undefined
  of(account: ServiceAccount): readonly RegisteredKey[]
  register(account: ServiceAccount, publicKey: KeyObject, details?: KeyDetails): RegisteredKey
  remove(key: RegisteredKey): void
  /** Whether assertions made with it are taken. */
  isUsable: (key: RegisteredKey) => boolean
}

export interface KeyDetails {
  readonly origin?: RegisteredKey['origin']
  readonly validUntil?: number
}

export function createKeys(
  initial: readonly ServiceAccount[],
  tools: { readonly chance: Chance; readonly wallNow: () => number },
): Keys {
  const keys = new Map<string, RegisteredKey>()
  const accounts = [...initial]
  return {
    accounts,
    addAccount(account) {
      accounts.push(account)
    },
    removeAccount(email) {
      const index = accounts.findIndex((account) => account.email === email)
      const [removed] = index === -1 ? [] : accounts.splice(index, 1)
      for (const [kid, { account }] of keys) if (account === removed) keys.delete(kid)
    },
    byKid: (kid) => keys.get(kid),
    byId: (id) => [...keys.values()].find((key) => key.id === id),
    of: (account) => [...keys.values()].filter((key) => key.account === account),
    register(account, publicKey, details = {}) {
      const id = tools.chance.uuid()
      const key: RegisteredKey = {
        id,
        kid: tools.chance.uuid(),
        account,
        publicKey,
        publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
        algorithm: (publicKey.asymmetricKeyDetails?.modulusLength ?? 2048) > 2048 ? 'RSA_4096' : 'RSA_2048',
        origin: details.origin ?? 'USER_PROVIDED',
        createdAt: tools.wallNow(),
        validUntil: details.validUntil,
        active: true,
      }
      keys.set(key.kid, key)
      return key
    },
    remove(key) {
      keys.delete(key.kid)
    },
    isUsable: (key) => key.active && (key.validUntil === undefined || key.validUntil > tools.wallNow()),
  }
}

export async function generateRsa(
  algorithm: KeyAlgorithm = 'RSA_2048',
): Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }> {
  return generate('rsa', { modulusLength: algorithm === 'RSA_4096' ? 4096 : 2048 })
}

/** An RSA public key of a size that the service takes, or nothing. */
export function readPublicKey(pem: unknown): KeyObject | undefined {
  if (typeof pem !== 'string' || pem.includes('PRIVATE KEY')) return undefined
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch {
    return undefined
  }
  const bits = key.asymmetricKeyDetails?.modulusLength
  return key.asymmetricKeyType === 'rsa' && (bits === 2048 || bits === 4096) ? key : undefined
}

/** A service account key as users hold it: the JSON of stackit dossier 4.1. */
export interface ServiceAccountKey {
  readonly id: string
  readonly publicKey: string
  readonly createdAt: string
  readonly validUntil?: string
  readonly keyType: 'USER_MANAGED'
  readonly keyOrigin: RegisteredKey['origin']
  readonly keyAlgorithm: KeyAlgorithm
  readonly active: boolean
  readonly credentials: {
    readonly kid: string
    readonly iss: string
    readonly sub: string
    readonly aud: string
    readonly tokenEndpoint?: string
    /** PEM; only where the service made the key. */
    readonly privateKey?: string
  }
}

export function listedKey(key: RegisteredKey): Omit<ServiceAccountKey, 'publicKey' | 'credentials'> {
  return {
    id: key.id,
    createdAt: new Date(key.createdAt).toISOString(),
    ...(key.validUntil === undefined ? {} : { validUntil: new Date(key.validUntil).toISOString() }),
    keyType: 'USER_MANAGED',
    keyOrigin: key.origin,
    keyAlgorithm: key.algorithm,
    active: key.active,
  }
}

export function fullKey(key: RegisteredKey, audience: string): ServiceAccountKey {
  return {
    ...listedKey(key),
    publicKey: key.publicKeyPem,
    credentials: { kid: key.kid, iss: key.account.email, sub: key.account.id, aud: audience },
  }
}

export function withCredentials(
  key: ServiceAccountKey,
  extra: { readonly tokenEndpoint: string; readonly privateKey?: string },
): ServiceAccountKey {
  return { ...key, credentials: { ...key.credentials, ...extra } }
}
