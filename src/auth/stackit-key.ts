import { createPrivateKey, type KeyObject } from 'node:crypto'
import { ConfigurationError } from '../errors.js'

/** What an assertion needs of a service account key (stackit dossier 4.1). */
export interface ServiceAccountIdentity {
  readonly keyId: string
  readonly issuer: string
  readonly subject: string
  readonly audience: string
  /** What the key says of its end, RFC 3339; whether it holds, the service decides. */
  readonly validUntil?: string
  /** The key says of itself that it is not in use. */
  readonly inactive?: true
}

/** A service account key as read, its private key still being text. */
export interface ServiceAccountKeyParts {
  readonly identity: ServiceAccountIdentity
  /** Only in keys that the service generated. */
  readonly privateKey: string | undefined
  readonly tokenEndpoint: string | undefined
}

/**
 * Reads a service account key: a JSON document, or what it was parsed to. Only what the key flow needs is checked.
 *
 * @param where - names the source in errors, which never quote the content
 * @throws ConfigurationError naming the fields that are wrong
 */
export function readServiceAccountKey(content: unknown, where: string): ServiceAccountKeyParts {
  const document = typeof content === 'string' ? parseDocument(content, where) : content
  if (!isRecord(document)) throw wrong(where, 'expected a JSON object')
  const { credentials } = document
  if (!isRecord(credentials)) throw wrong(where, `the field credentials is missing${hintOf(document)}`)

  const problems: string[] = []
  const required = (field: string): string => {
    const value = credentials[field]
    if (typeof value === 'string' && value !== '') return value
    problems.push(
      value === undefined ? `credentials.${field} is missing` : `credentials.${field} is not a text`,
    )
    return ''
  }
  const optional = (field: string): string | undefined => {
    const value = credentials[field] ?? undefined
    if (value === undefined || value === '') return undefined
    if (typeof value === 'string') return value
    problems.push(`credentials.${field} is not a text`)
    return undefined
  }
  const parts: ServiceAccountKeyParts = {
    identity: {
      keyId: required('kid'),
      issuer: required('iss'),
      subject: required('sub'),
      audience: required('aud'),
      ...(typeof document['validUntil'] === 'string' ? { validUntil: document['validUntil'] } : {}),
      ...(document['active'] === false ? { inactive: true } : {}),
    },
    privateKey: optional('privateKey'),
    tokenEndpoint: optional('tokenEndpoint'),
  }
  if (problems.length > 0) throw wrong(where, problems.join(', '))
  return parts
}

function parseDocument(content: string, where: string): unknown {
  const text = content.replace(/^\uFEFF/, '').trim()
  if (text === '') throw wrong(where, 'it is empty')
  if (text.startsWith('-----BEGIN')) {
    throw wrong(
      where,
      'it is PEM, but the key is a JSON document; a PEM alone is the private key that goes with it',
    )
  }
  try {
    return JSON.parse(text)
  } catch {
    // The parser's words quote the text around the fault.
    throw wrong(
      where,
      /^[.~]?\.?\/|\.json$/.test(text) ? 'it is not JSON, but looks like a path' : 'it is not JSON',
    )
  }
}

function hintOf(document: Readonly<Record<string, unknown>>): string {
  return Object.keys(document).some((name) => name.startsWith('STACKIT_'))
    ? '; this looks like a credentials file, not like a service account key'
    : ''
}

/**
 * Reads an RSA private key, PKCS#8 or PKCS#1, as PEM; one whose line breaks were written as `\n` too.
 *
 * @param where - names the source in errors, which never quote the content
 * @throws ConfigurationError saying what it is instead
 */
export function readPrivateKey(content: string, where: string): KeyObject {
  const trimmed = content.trim()
  const pem = trimmed.includes('\n') ? trimmed : trimmed.replaceAll('\\n', '\n')
  const label = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1]
  const problem = problemOf(pem, label)
  if (problem !== undefined) throw wrong(where, problem)
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    throw wrong(
      where,
      `the PEM (${label ?? ''}) cannot be read: it is damaged or of a kind that is not known`,
    )
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = key
  if (asymmetricKeyType !== 'rsa') {
    throw wrong(where, `expected an RSA key, but it is of type ${asymmetricKeyType ?? 'unknown'}`)
  }
  const bits = asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < 2048) throw wrong(where, `expected an RSA key of at least 2048 bits, but it has ${String(bits)}`)
  return key
}

function problemOf(pem: string, label: string | undefined): string | undefined {
  if (pem === '') return 'it is empty'
  if (pem.startsWith('{')) {
    return 'it is JSON, but the private key is PEM; a JSON document is the service account key'
  }
  if (label === undefined) {
    return 'it is not PEM: expected a text that begins with -----BEGIN PRIVATE KEY-----'
  }
  if (label.includes('PUBLIC KEY')) return 'it is a public key, but the private one is needed'
  if (label.includes('CERTIFICATE')) return 'it is a certificate, but a private key is needed'
  if (label.includes('ENCRYPTED') || /^Proc-Type:.*ENCRYPTED/m.test(pem)) {
    return 'it is encrypted; decrypt it first: openssl pkey -in key.pem -out plain.pem'
  }
  if (label.includes('OPENSSH')) return 'it is in the format of OpenSSH, but PKCS#8 or PKCS#1 is needed'
  return undefined
}

function wrong(where: string, problem: string): ConfigurationError {
  return new ConfigurationError(`${where}: ${problem}`, { cloud: 'stackit' })
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
