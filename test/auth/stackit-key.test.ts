import { generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { readPrivateKey, readServiceAccountKey } from '../../src/auth/stackit-key.js'
import { ConfigurationError } from '../../src/errors.js'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pkcs8 = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
const pkcs1 = rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }) as string

const document = {
  id: '7c8d2f4e-0000-4000-8000-000000000001',
  keyType: 'USER_MANAGED',
  active: true,
  credentials: {
    kid: 'key-1',
    iss: 'robot@sa.stackit.cloud',
    sub: 'a3f1c2d4-0000-4000-8000-000000000002',
    aud: 'https://audience.example.org',
    privateKey: pkcs8,
    tokenEndpoint: 'https://tokens.example.org/token',
  },
}

function failureOf(action: () => unknown): ConfigurationError {
  try {
    action()
  } catch (error) {
    if (error instanceof ConfigurationError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a service account key', () => {
  const { privateKey: _, tokenEndpoint: __, ...publicOnly } = document.credentials

  it('is read from text, with a byte order mark as well, or taken as it was parsed', () => {
    const expected = {
      identity: {
        keyId: 'key-1',
        issuer: 'robot@sa.stackit.cloud',
        subject: 'a3f1c2d4-0000-4000-8000-000000000002',
        audience: 'https://audience.example.org',
      },
      privateKey: pkcs8,
      tokenEndpoint: 'https://tokens.example.org/token',
    }
    const text = JSON.stringify(document)
    for (const content of [text, `\uFEFF${text}\n`, document]) {
      expect(readServiceAccountKey(content, 'key')).toEqual(expected)
    }
  })

  it.each([{}, { privateKey: null, tokenEndpoint: null }, { privateKey: '', tokenEndpoint: '' }])(
    'may hold neither private key nor token endpoint: %j',
    (rest) => {
      const content = { credentials: { ...publicOnly, ...rest } }
      expect(readServiceAccountKey(content, 'key')).toMatchObject({
        privateKey: undefined,
        tokenEndpoint: undefined,
      })
    },
  )

  it.each([
    ['', /^key: it is empty$/],
    ['{"credentials": secret', /^key: it is not JSON$/],
    ['/home/bob/key.json', /looks like a path/],
    ['key.json', /looks like a path/],
    [pkcs8, /it is PEM, but the key is a JSON document/],
    ['[]', /expected a JSON object/],
    ['null', /expected a JSON object/],
    ['{}', /the field credentials is missing$/],
    ['{"STACKIT_SERVICE_ACCOUNT_TOKEN":"secret"}', /looks like a credentials file/],
  ])('is refused with a reason: %j', (content, message) => {
    const { message: words } = failureOf(() => readServiceAccountKey(content, 'key'))
    expect(words).toMatch(message)
    expect(words).not.toMatch(/secret|MII/)
  })

  it('is refused with the names of all fields that are wrong', () => {
    const content = { credentials: { kid: 1, iss: '', sub: 'x', privateKey: 7 } }
    expect(failureOf(() => readServiceAccountKey(content, 'key file k.json')).message).toBe(
      'key file k.json: credentials.kid is not a text, credentials.iss is not a text, ' +
        'credentials.aud is missing, credentials.privateKey is not a text',
    )
  })
})

describe('a private key', () => {
  it.each([
    ['PKCS#8', pkcs8],
    ['PKCS#1', pkcs1],
    ['written with escaped line breaks', pkcs8.trim().replaceAll('\n', '\\n')],
    ['with white space around it', `\n  ${pkcs8}\n\n`],
  ])('is read: %s', (_, pem) => {
    const key = readPrivateKey(pem, 'private key')
    expect(key.equals(rsa.privateKey)).toBe(true)
    expect(inspect(key, { depth: 9, showHidden: true })).not.toContain(pkcs8.split('\n')[2])
  })

  const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }) as string
  const encrypted = rsa.privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'p',
  }) as string
  const legacyEncrypted = rsa.privateKey.export({
    type: 'pkcs1',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'p',
  }) as string
  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey

  it.each([
    ['nothing', ' \n', /it is empty/],
    ['no PEM', 'secret', /it is not PEM/],
    ['the service account key', JSON.stringify(document), /it is JSON, but the private key is PEM/],
    ['a public key', publicPem, /it is a public key/],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', /it is a certificate/],
    ['an encrypted key', encrypted, /it is encrypted/],
    ['an encrypted key of the old kind', legacyEncrypted, /it is encrypted/],
    [
      'a key of OpenSSH',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----',
      /OpenSSH/,
    ],
    ['a damaged key', pkcs8.replace(/\n[^\n]+\n/, '\n'), /cannot be read/],
    [
      'an elliptic key',
      elliptic.export({ type: 'pkcs8', format: 'pem' }) as string,
      /RSA key, but it is of type ec/,
    ],
    ['a short key', short.export({ type: 'pkcs8', format: 'pem' }) as string, /2048 bits, but it has 1024/],
  ])('is refused with a reason: %s', (_, pem, message) => {
    const error = failureOf(() => readPrivateKey(pem, 'private key file k.pem'))
    expect(error.message).toMatch(message)
    expect(error.message).toMatch(/^private key file k\.pem: /)
    expect(inspect(error)).not.toMatch(/secret|MII/)
  })
})
