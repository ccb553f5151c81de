import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { UnsecuredJWT } from 'jose'
import type {
  StackitCredentialOptions,
  StackitCredentials,
} from '../../../src/clients/stackit/credential-search.js'
import {
  immediateCredentials,
  resolveCredentials,
  systemSources,
} from '../../../src/clients/stackit/credentials.js'
import { ConfigurationError } from '../../../src/errors.js'

/** Key pairs by name, so that a test can say which one was taken. */
const pairs = Object.fromEntries(
  ['embedded', 'option', 'optionPath', 'env', 'envPath', 'file', 'filePath'].map((name) => [
    name,
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ]),
)
function pemOf(name: string): string {
  return pairs[name]!.export({ type: 'pkcs8', format: 'pem' }) as string
}

/** A service account key that says in its kid where it was. */
function keyOf(kid: string, more: object = { privateKey: pemOf('embedded') }): string {
  return JSON.stringify({
    id: kid,
    credentials: { kid, iss: 'r@sa.stackit.cloud', sub: 's', aud: 'https://aud', ...more },
  })
}
const bare = (kid: string): string => keyOf(kid, {})

interface Given {
  readonly options?: StackitCredentialOptions
  readonly env?: Record<string, string>
  readonly files?: Record<string, string | Error>
}

const home = '/home/bob'
const defaultFile = '/home/bob/.stackit/credentials.json'

function trouble(code: string): Error {
  return Object.assign(new Error(`${code}: trouble`), { code })
}

function search({ options = {}, env = {}, files = {} }: Given): Promise<StackitCredentials> {
  return resolveCredentials(options, {
    env,
    home,
    readFile: async (path) => {
      const content = files[path] ?? trouble('ENOENT')
      if (content instanceof Error) throw content
      return content
    },
  })
}

/** What was found, in short: `token x`, `key kid with <pair>`. */
async function found(given: Given): Promise<string> {
  const credentials = await search(given)
  if (credentials.kind === 'token') return `token ${credentials.token}`
  if (credentials.kind === 'workload') {
    const { clientId, federatedToken } = credentials
    return `workload ${clientId} with ${typeof federatedToken === 'string' ? federatedToken : 'a function'}`
  }
  const pair = Object.keys(pairs).find((name) => pairs[name]!.equals(credentials.privateKey))
  return `key ${credentials.identity.keyId} with ${pair ?? 'unknown'}`
}

async function failureOf(given: Given): Promise<ConfigurationError> {
  try {
    await search(given)
  } catch (error) {
    if (error instanceof ConfigurationError) return error
    throw error
  }
  throw new Error('credentials were found')
}

const file = (fields: Record<string, unknown>) => ({ [defaultFile]: JSON.stringify(fields) })

describe('which credentials are taken', () => {
  const everything: Given & { env: Record<string, string>; files: Record<string, string> } = {
    options: {},
    env: {
      STACKIT_SERVICE_ACCOUNT_KEY_PATH: '/env/key.json',
      STACKIT_SERVICE_ACCOUNT_KEY: keyOf('env'),
      STACKIT_SERVICE_ACCOUNT_TOKEN: 'env-token',
    },
    files: {
      '/option/key.json': keyOf('optionPath'),
      '/env/key.json': keyOf('envPath'),
      '/file/key.json': keyOf('filePath'),
      ...file({
        STACKIT_SERVICE_ACCOUNT_KEY_PATH: '/file/key.json',
        STACKIT_SERVICE_ACCOUNT_KEY: keyOf('file'),
        STACKIT_SERVICE_ACCOUNT_TOKEN: 'file-token',
      }),
    },
  }
  const without = (...names: string[]): Record<string, string> =>
    Object.fromEntries(Object.entries(everything.env).filter(([name]) => !names.includes(name)))
  const fileOnly = (fields: Record<string, unknown>): Given => ({
    files: { '/file/key.json': keyOf('filePath'), ...file(fields) },
  })

  const rows: [string, Given, string][] = [
    [
      'an inline key among the options wins over all',
      {
        ...everything,
        options: {
          serviceAccountKey: keyOf('option'),
          serviceAccountKeyPath: '/option/key.json',
          token: 't',
        },
      },
      'key option with embedded',
    ],
    [
      'a parsed key among the options as well',
      { ...everything, options: { serviceAccountKey: JSON.parse(keyOf('option')) as object } },
      'key option with embedded',
    ],
    [
      'a key path among the options wins over a token there',
      { ...everything, options: { serviceAccountKeyPath: '/option/key.json', token: 't' } },
      'key optionPath with embedded',
    ],
    [
      'a token among the options wins over a key elsewhere (dossier 15)',
      { ...everything, options: { token: 'option-token' } },
      'token option-token',
    ],
    ['a key path in the environment wins over an inline key there', everything, 'key envPath with embedded'],
    [
      'an inline key in the environment wins over the file',
      { ...everything, env: without('STACKIT_SERVICE_ACCOUNT_KEY_PATH') },
      'key env with embedded',
    ],
    [
      'a key in the file wins over a token in the environment; its path over inline',
      { ...everything, env: { STACKIT_SERVICE_ACCOUNT_TOKEN: 'env-token' } },
      'key filePath with embedded',
    ],
    [
      'an inline key in the file',
      fileOnly({ STACKIT_SERVICE_ACCOUNT_KEY: keyOf('file'), STACKIT_SERVICE_ACCOUNT_TOKEN: 'file-token' }),
      'key file with embedded',
    ],
    [
      'a token in the environment wins over one in the file',
      {
        env: { STACKIT_SERVICE_ACCOUNT_TOKEN: 'env-token' },
        files: file({ STACKIT_SERVICE_ACCOUNT_TOKEN: 'file-token' }),
      },
      'token env-token',
    ],
    ['a token in the file', fileOnly({ STACKIT_SERVICE_ACCOUNT_TOKEN: 'file-token' }), 'token file-token'],
    [
      'a token among the options with a credentials file of {}',
      { options: { token: 't' }, files: { [defaultFile]: '{}' } },
      'token t',
    ],
    [
      'unknown fields of the file are ignored',
      fileOnly({ STACKIT_SERVICE_ACCOUNT_TOKEN: 'file-token', SOMETHING_ELSE: 7 }),
      'token file-token',
    ],
    [
      'what is empty counts as absent, everywhere',
      {
        options: { serviceAccountKey: '', serviceAccountKeyPath: '', token: '', credentialsPath: '' },
        env: {
          STACKIT_SERVICE_ACCOUNT_KEY: '',
          STACKIT_SERVICE_ACCOUNT_KEY_PATH: '',
          STACKIT_SERVICE_ACCOUNT_TOKEN: '',
          STACKIT_CREDENTIALS_PATH: '',
        },
        files: file({ STACKIT_SERVICE_ACCOUNT_KEY_PATH: '', STACKIT_SERVICE_ACCOUNT_TOKEN: 'file-token' }),
      },
      'token file-token',
    ],
    [
      'the path of the credentials file: an option wins over the environment',
      {
        options: { credentialsPath: '/option/credentials.json' },
        env: { STACKIT_CREDENTIALS_PATH: '/env/credentials.json' },
        files: {
          '/option/credentials.json': '{"STACKIT_SERVICE_ACCOUNT_TOKEN":"option"}',
          '/env/credentials.json': '{"STACKIT_SERVICE_ACCOUNT_TOKEN":"env"}',
        },
      },
      'token option',
    ],
    [
      'the path of the credentials file: the environment wins over the default',
      {
        env: { STACKIT_CREDENTIALS_PATH: '/env/credentials.json' },
        files: {
          '/env/credentials.json': '\uFEFF{"STACKIT_SERVICE_ACCOUNT_TOKEN":"env"}',
          ...file({ STACKIT_SERVICE_ACCOUNT_TOKEN: 'default' }),
        },
      },
      'token env',
    ],
  ]
  it.each(rows)('%s', async (_, given, expected) => {
    expect(await found(given)).toBe(expected)
  })
})

describe('which private key is taken', () => {
  const env = { STACKIT_PRIVATE_KEY_PATH: '/env/key.pem', STACKIT_PRIVATE_KEY: pemOf('env') }
  const files = {
    '/option/key.pem': pemOf('optionPath'),
    '/env/key.pem': pemOf('envPath'),
    '/file/key.pem': pemOf('filePath'),
    ...file({ STACKIT_PRIVATE_KEY_PATH: '/file/key.pem', STACKIT_PRIVATE_KEY: pemOf('file') }),
  }
  const rows: [string, Given, string][] = [
    [
      'an inline one among the options',
      { options: { privateKey: pemOf('option'), privateKeyPath: '/option/key.pem' }, env, files },
      'option',
    ],
    [
      'a path among the options',
      { options: { privateKeyPath: '/option/key.pem' }, env, files },
      'optionPath',
    ],
    ['a path in the environment before inline there', { env, files }, 'envPath'],
    ['an inline one in the environment', { env: { STACKIT_PRIVATE_KEY: pemOf('env') }, files }, 'env'],
    ['a path in the file before inline there', { files }, 'filePath'],
    ['an inline one in the file', { files: file({ STACKIT_PRIVATE_KEY: pemOf('file') }) }, 'file'],
    ['the one inside the key, if there is no other', {}, 'embedded'],
    ['the one inside the key, if the configured one is empty', { options: { privateKey: ' ' } }, 'embedded'],
    [
      'the one inside the key, if the configured one cannot be had',
      { options: { privateKeyPath: '/nowhere.pem' } },
      'embedded',
    ],
    [
      'the one inside the key, if the credentials file is broken',
      { files: { [defaultFile]: '{' } },
      'embedded',
    ],
  ]
  it.each(rows)('%s', async (_, given, expected) => {
    const options = { ...given.options, serviceAccountKey: keyOf('k') }
    expect(await found({ ...given, options })).toBe(`key k with ${expected}`)
  })

  it('goes together with a key from the credentials file (dossier 13)', async () => {
    const given = {
      files: {
        '/file/key.json': bare('k'),
        '/file/key.pem': pemOf('filePath'),
        ...file({
          STACKIT_SERVICE_ACCOUNT_KEY_PATH: '/file/key.json',
          STACKIT_PRIVATE_KEY_PATH: '/file/key.pem',
          STACKIT_SERVICE_ACCOUNT_EMAIL: 'robot@sa.stackit.cloud',
          STACKIT_SERVICE_ACCOUNT_TOKEN: 'unused',
        }),
      },
    }
    expect(await found(given)).toBe('key k with filePath')
    expect(await search(given)).toMatchObject({
      tokenEndpoint: { origin: 'https://service-account.api.stackit.cloud', path: '/token' },
    })
  })
})

describe('federation', () => {
  const usualPath = '/var/run/secrets/stackit.cloud/serviceaccount/token'
  const jwt = `${new UnsecuredJWT({ sub: 'w' }).encode()}signature`
  const email = 'robot@sa.stackit.cloud'
  const env = { STACKIT_SERVICE_ACCOUNT_EMAIL: email }
  const key = { STACKIT_SERVICE_ACCOUNT_KEY: keyOf('env') }

  it.each<[string, Given, string]>([
    [
      'that was asked for wins over all (dossier 13)',
      {
        options: {
          workloadIdentity: true,
          serviceAccountEmail: email,
          serviceAccountKey: keyOf('k'),
          token: 't',
        },
        env: key,
      },
      `workload ${email} with ${usualPath}`,
    ],
    [
      'has its account from the environment, and its file',
      {
        options: { workloadIdentity: true, serviceAccountEmail: ' ' },
        env: { ...env, STACKIT_FEDERATED_TOKEN_FILE: '/env/token' },
      },
      `workload ${email} with /env/token`,
    ],
    [
      'has its file from the options first',
      {
        options: { workloadIdentity: { tokenPath: '/option/token' } },
        env: { ...env, STACKIT_FEDERATED_TOKEN_FILE: '/env/token' },
      },
      `workload ${email} with /option/token`,
    ],
    [
      'has a function before any file',
      { options: { workloadIdentity: { token: () => jwt, tokenPath: '/option/token' } }, env },
      `workload ${email} with a function`,
    ],
    [
      'that was not asked for wins over a key in the environment, if its token is there',
      { env: { ...env, ...key }, files: { [usualPath]: jwt } },
      `workload ${email} with ${usualPath}`,
    ],
    ['is none without its token', { env: { ...env, ...key } }, 'key env with embedded'],
    [
      'is none if its token may not be read',
      { env: { ...env, ...key }, files: { [usualPath]: trouble('EACCES') } },
      'key env with embedded',
    ],
    [
      'is none with a token that is none',
      { env: { ...env, ...key }, files: { [usualPath]: 'x' } },
      'key env with embedded',
    ],
    ['is none without an account', { env: key, files: { [usualPath]: jwt } }, 'key env with embedded'],
    [
      'that was not asked for loses to a token among the options',
      { options: { token: 't' }, env, files: { [usualPath]: jwt } },
      'token t',
    ],
    ['that was turned down is none', { options: { workloadIdentity: false, token: 't' }, env }, 'token t'],
  ])('%s', async (_, given, expected) => {
    expect(await found(given)).toBe(expected)
  })

  it.each<[string, Given, { origin: string; path: string }]>([
    ['usual', { env }, { origin: 'https://accounts.stackit.cloud', path: '/oauth/v2/token' }],
    [
      'of the environment, and not that for keys',
      {
        env: {
          ...env,
          STACKIT_IDP_TOKEN_ENDPOINT: 'https://idp.example.org/t',
          STACKIT_TOKEN_BASEURL: 'https://keys.example.org/t',
        },
      },
      { origin: 'https://idp.example.org', path: '/t' },
    ],
    [
      'of the options',
      {
        options: { workloadIdentity: { tokenEndpoint: 'https://option.example.org/t' } },
        env: { ...env, STACKIT_IDP_TOKEN_ENDPOINT: 'https://idp.example.org/t' },
      },
      { origin: 'https://option.example.org', path: '/t' },
    ],
  ])('goes to the endpoint: %s', async (_, given, tokenEndpoint) => {
    expect(await search({ ...given, options: { workloadIdentity: true, ...given.options } })).toMatchObject({
      tokenEndpoint,
    })
  })

  it('that was asked for needs an account, and a function that is one', async () => {
    const nobody = await failureOf({ options: { workloadIdentity: true } })
    expect(nobody.message).toMatch(/^workloadIdentity needs the mail address/)
    expect(nobody.lookedAt).toEqual([
      'option serviceAccountEmail: not set',
      'environment variable STACKIT_SERVICE_ACCOUNT_EMAIL: not set',
    ])
    const token = 'text' as never
    const wrong = await failureOf({ options: { workloadIdentity: { token } }, env })
    expect(wrong.message).toBe('workloadIdentity.token: expected a function')
  })
})

describe('the token endpoint', () => {
  const inKey = keyOf('k', {
    privateKey: pemOf('embedded'),
    tokenEndpoint: 'https://key.example.org/a/token',
  })
  const rows: [string, Given, { origin: string; path: string }][] = [
    [
      'option',
      {
        options: { tokenEndpoint: 'https://option.example.org:8443/token/?x=1' },
        env: { STACKIT_TOKEN_BASEURL: 'https://env.example.org/t' },
      },
      { origin: 'https://option.example.org:8443', path: '/token/?x=1' },
    ],
    [
      'environment',
      { env: { STACKIT_TOKEN_BASEURL: 'https://env.example.org/t' } },
      { origin: 'https://env.example.org', path: '/t' },
    ],
    [
      'empty environment',
      { env: { STACKIT_TOKEN_BASEURL: '' } },
      { origin: 'https://key.example.org', path: '/a/token' },
    ],
    ['key', {}, { origin: 'https://key.example.org', path: '/a/token' }],
    [
      'no path',
      { options: { tokenEndpoint: 'https://option.example.org' } },
      { origin: 'https://option.example.org', path: '/' },
    ],
  ]
  it.each(rows)('comes from: %s', async (_, given, tokenEndpoint) => {
    const options = { ...given.options, serviceAccountKey: inKey }
    expect(await search({ ...given, options })).toMatchObject({ tokenEndpoint })
  })

  it.each(['example.org/token', 'ftp://example.org', 'https://user:pw@example.org/token'])(
    'is refused with its place if it is no address: %s',
    async (tokenEndpoint) => {
      const error = await failureOf({ options: { tokenEndpoint, serviceAccountKey: inKey } })
      expect(error.message).toMatch(/^option tokenEndpoint: expected the whole/)
      expect(error.message).not.toContain('pw')
    },
  )
})

describe('what goes wrong', () => {
  const rows: [string, Given, RegExp][] = [
    ['nothing anywhere', {}, /^no credentials for STACKIT were found/],
    ['nothing, and a credentials file of {}', { files: { [defaultFile]: '{}' } }, /^no credentials/],
    [
      'a credentials file that does not exist (option)',
      { options: { credentialsPath: '/c.json' }, env: { STACKIT_SERVICE_ACCOUNT_TOKEN: 't' } },
      /^credentials file \/c\.json \(option credentialsPath\) does not exist/,
    ],
    [
      'a credentials file that does not exist (environment)',
      { env: { STACKIT_CREDENTIALS_PATH: '/c.json' } },
      /^credentials file \/c\.json \(environment variable STACKIT_CREDENTIALS_PATH\) does not exist/,
    ],
    [
      'a default credentials file that may not be read',
      { files: { [defaultFile]: trouble('EACCES') } },
      /credentials\.json may not be read/,
    ],
    [
      'a default credentials file that is not JSON',
      { files: { [defaultFile]: '{"STACKIT_SERVICE_ACCOUNT_TOKEN"="hush"}' } },
      /credentials\.json is not JSON$/,
    ],
    [
      'a credentials file that is a list',
      { files: { [defaultFile]: '["hush"]' } },
      /expected a JSON object$/,
    ],
    [
      'a field of the credentials file that is no text',
      { files: file({ STACKIT_SERVICE_ACCOUNT_TOKEN: { hush: 1 } }) },
      /field STACKIT_SERVICE_ACCOUNT_TOKEN: expected a text$/,
    ],
    [
      'a key file that does not exist',
      { env: { STACKIT_SERVICE_ACCOUNT_KEY_PATH: '/k.json', STACKIT_SERVICE_ACCOUNT_TOKEN: 'hush' } },
      /^service account key file \/k\.json \(environment variable STACKIT_SERVICE_ACCOUNT_KEY_PATH\) does not exist/,
    ],
    [
      'a key file that is a folder',
      { options: { serviceAccountKeyPath: '/k' }, files: { '/k': trouble('EISDIR') } },
      /\/k \(option serviceAccountKeyPath\) is a folder/,
    ],
    [
      'a key file with a trouble of another kind',
      { options: { serviceAccountKeyPath: '/k' }, files: { '/k': trouble('EIO') } },
      /cannot be read \(EIO\)/,
    ],
    [
      'a key file that is empty',
      { options: { serviceAccountKeyPath: '/k' }, files: { '/k': ' \n' } },
      /^service account key file \/k \(option serviceAccountKeyPath\) is empty/,
    ],
    [
      'a PEM where the key is expected',
      { options: { serviceAccountKeyPath: '/k' }, files: { '/k': pemOf('file') } },
      /file \/k .*it is PEM, but the key is a JSON document/,
    ],
    [
      'a private key file that does not exist',
      { options: { serviceAccountKey: bare('k'), privateKeyPath: '/p.pem' } },
      /^private key file \/p\.pem \(option privateKeyPath\) does not exist/,
    ],
    [
      'a private key file that is empty',
      { options: { serviceAccountKey: bare('k'), privateKeyPath: '/p' }, files: { '/p': '' } },
      /^private key file \/p \(option privateKeyPath\) is empty/,
    ],
    [
      'a private key that is no PEM',
      { options: { serviceAccountKey: bare('k'), privateKey: 'hush' } },
      /^private key \(option privateKey\): it is not PEM/,
    ],
    [
      'a key without a private key',
      { options: { serviceAccountKey: bare('k') } },
      /^service account key \(option serviceAccountKey\) holds no private key/,
    ],
    [
      'a token that is no text',
      { options: { token: 7 as unknown as string } },
      /^option token: expected a text$/,
    ],
  ]
  it.each(rows)('%s', async (_, given, message) => {
    const error = await failureOf(given)
    expect(error.message).toMatch(message)
    expect(error.cloud).toBe('stackit')
    for (const print of [inspect(error), JSON.stringify(error)]) expect(print).not.toMatch(/hush|MII/)
  })

  it('is told with every place that was looked at, and what was there', async () => {
    const error = await failureOf({
      env: { STACKIT_SERVICE_ACCOUNT_KEY: '', STACKIT_CREDENTIALS_PATH: '/c.json' },
      files: { '/c.json': '{"STACKIT_PRIVATE_KEY":"hush"}' },
    })
    expect(error.lookedAt).toEqual([
      'option serviceAccountKey: not set',
      'option serviceAccountKeyPath: not set',
      'option token: not set',
      'option serviceAccountEmail: not set',
      'environment variable STACKIT_SERVICE_ACCOUNT_EMAIL: not set',
      'environment variable STACKIT_SERVICE_ACCOUNT_KEY_PATH: not set',
      'environment variable STACKIT_SERVICE_ACCOUNT_KEY: empty',
      'option credentialsPath: not set',
      'environment variable STACKIT_CREDENTIALS_PATH: set',
      'credentials file /c.json, field STACKIT_SERVICE_ACCOUNT_KEY_PATH: not set',
      'credentials file /c.json, field STACKIT_SERVICE_ACCOUNT_KEY: not set',
      'environment variable STACKIT_SERVICE_ACCOUNT_TOKEN: not set',
      'credentials file /c.json, field STACKIT_SERVICE_ACCOUNT_TOKEN: not set',
    ])
    expect(error.message).toContain('\n  - option token: not set\n')
  })

  it('names the default credentials file that is missing', async () => {
    const { lookedAt } = await failureOf({})
    expect(lookedAt).toContain(`credentials file ${defaultFile}: does not exist`)
  })

  it('is found without a home folder, too', async () => {
    const sources = { env: {}, home: '', readFile: () => Promise.reject(new Error('not to be asked')) }
    await expect(resolveCredentials({}, sources)).rejects.toThrow(/no credentials/)
  })
})

describe('credentials that need no file', () => {
  it('are known at once', () => {
    expect(immediateCredentials({ token: 't' }, { env: {}, home })).toMatchObject({
      kind: 'token',
      token: 't',
    })
    const options = { serviceAccountKey: bare('k'), privateKey: pemOf('option') }
    expect(immediateCredentials(options, { env: {}, home })).toMatchObject({ kind: 'key' })
  })

  it('throw at once if they are wrong', () => {
    const wrong = (options: StackitCredentialOptions) => () =>
      immediateCredentials(options, { env: {}, home })
    expect(wrong({ serviceAccountKey: '{' })).toThrow(/not JSON/)
    expect(wrong({ serviceAccountKey: bare('k'), privateKey: 'x' })).toThrow(/not PEM/)
    expect(wrong({ serviceAccountKey: keyOf('k'), tokenEndpoint: 'x' })).toThrow(/tokenEndpoint/)
  })

  it('are not known where a file has a say', () => {
    expect(immediateCredentials({}, { env: {}, home })).toBeUndefined()
    expect(immediateCredentials({ serviceAccountKeyPath: '/k' }, { env: {}, home })).toBeUndefined()
  })
})

it('reads real files, and says of a missing one that it is missing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'skystream-credentials-'))
  try {
    const path = join(folder, 'key.json')
    await writeFile(path, keyOf('real'))
    const sources = { ...systemSources(), env: {}, home: folder }
    expect(await resolveCredentials({ serviceAccountKeyPath: path }, sources)).toMatchObject({
      identity: { keyId: 'real' },
    })
    await expect(resolveCredentials({ serviceAccountKeyPath: `${path}.no` }, sources)).rejects.toThrow(
      /does not exist/,
    )
    await expect(resolveCredentials({ serviceAccountKeyPath: folder }, sources)).rejects.toThrow(
      /is a folder/,
    )
    expect(systemSources().env).toBe(process.env)
  } finally {
    await rm(folder, { recursive: true })
  }
})
