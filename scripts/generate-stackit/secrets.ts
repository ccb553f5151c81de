import type { OpenApiSchema } from '../generate/open-api-document.js'

// Which fields hold secrets. The documents mark few of them, so that the others are listed here. That a field is only sent to
// the service (`writeOnly`) says nothing of the kind: the size of a disk is.

const names = new Set([
  'accessToken',
  'access_token',
  'apiKey',
  'assertion',
  'bearerToken',
  'clientSecret',
  'client_secret',
  'encryption_key',
  'keyPayload',
  'kubeconfig',
  'oauthClientSecret',
  'opsgenieApiKey',
  'personalAccessToken',
  'preSharedKey',
  'privateKey',
  'refresh_token',
  's3_access_secret',
  'secretAccessKey',
  'syslog_drain_url',
  'wrappedKey',
])
/** Secrets if they are texts; elsewhere objects of the name only hold one. */
const texts = new Set(['secret', 'token'])
/** Fields of one schema. */
const places = new Set([
  'ServerConsoleUrl.url',
  'Token.content',
  'TokenCreated.content',
  'EncryptPayload.data',
  'decryptedData.data',
])
/** Addresses that hold the password, where they stand beside it or are those of credentials. */
const addresses = /^(http_api_)?uris?$/
/** Marked as a secret, though everybody is shown it who opens a connection. */
const open = new Set(['certificate'])

export function isSecret(
  owner: string,
  field: string,
  siblings: readonly string[],
  schema: OpenApiSchema,
): boolean {
  if (open.has(field)) return false
  if (schema['x-stackit-logging'] === false || schema['x-go-type'] === 'secret.Secret') return true
  if (schema.format === 'password' || names.has(field) || places.has(`${owner}.${field}`)) return true
  if (schema.type === 'string' && (texts.has(field) || /password$/i.test(field))) return true
  return addresses.test(field) && (siblings.includes('password') || owner.startsWith('Credentials'))
}
