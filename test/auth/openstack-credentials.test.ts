import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  immediateCredentials,
  resolveCredentials,
  systemSources,
  type OpenstackCredentialOptions,
  type OpenstackCredentials,
} from '../../src/auth/openstack-credentials.js'
import { ConfigurationError } from '../../src/errors.js'

interface Given {
  readonly options?: OpenstackCredentialOptions
  readonly env?: Record<string, string>
  readonly files?: Record<string, string | Error>
}

const places = { home: '/home/bob', folder: '/project' }
const inFolder = '/project/clouds.yaml'
const inHome = '/home/bob/.config/openstack/clouds.yaml'
const inEtc = '/etc/openstack/clouds.yaml'

function trouble(code: string): Error {
  return Object.assign(new Error(`${code}: trouble`), { code })
}

/** The search, and the files that were read for it, those that do not exist included. */
async function search({ options = {}, env = {}, files = {} }: Given) {
  const read: string[] = []
  const credentials = await resolveCredentials(options, {
    ...places,
    env,
    readFile: async (path) => {
      read.push(path)
      const content = files[path] ?? trouble('ENOENT')
      if (content instanceof Error) throw content
      return content
    },
  })
  return { credentials, read }
}

async function found(given: Given): Promise<OpenstackCredentials> {
  return (await search(given)).credentials
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

/** Options that are enough, and what they amount to. */
const password = { authUrl: 'https://keystone.test/v3', username: 'ada', password: 'hush-hush' }
const osVariables = {
  OS_AUTH_URL: 'https://env.test:5000',
  OS_USERNAME: 'env-user',
  OS_PASSWORD: 'env-secret',
  OS_PROJECT_NAME: 'env-project',
}
const stVariables = { ST_AUTH: 'https://swift.test/auth/v1.0', ST_USER: 'acct:user', ST_KEY: 'st-secret' }
const login = (credentials: OpenstackCredentials) =>
  credentials.kind === 'keystone' ? credentials.login : credentials

const cloudsYaml = `
defaults: &defaults
  region_name: RegionOne
  auth: &auth
    auth_url: https://file.test/identity
    username: file-user
clouds:
  one:
    <<: *defaults
    auth:
      <<: *auth
      password: 0123
      project_id: 12e34
      user_domain_name: People
  two:
    <<: *defaults
    interface: internal
    region_name: RegionTwo
`

describe('options', () => {
  it('are a user by name, in the domain that every Keystone has', async () => {
    expect(await found({ options: { ...password, projectName: 'demo' } })).toEqual({
      kind: 'keystone',
      foundAt: 'options',
      authUrl: 'https://keystone.test/v3',
      login: {
        method: 'password',
        user: { name: 'ada', domain: { id: 'default' } },
        password: 'hush-hush',
        project: { name: 'demo', domain: { id: 'default' } },
      },
      choice: { interface: 'public' },
    })
  })

  const rows: [string, OpenstackCredentialOptions, object][] = [
    [
      'a user and a project by id, which need no domain',
      { userId: 'u1', projectId: 'p1', userDomainName: 'Ignored', username: undefined },
      { user: { id: 'u1' }, project: { id: 'p1' } },
    ],
    [
      "a project in its user's domain",
      { userDomainName: 'People', projectName: 'demo' },
      {
        user: { name: 'ada', domain: { name: 'People' } },
        project: { name: 'demo', domain: { name: 'People' } },
      },
    ],
    [
      'a project in a domain of its own',
      { userDomainId: 'd1', projectName: 'demo', projectDomainName: 'Projects' },
      {
        user: { name: 'ada', domain: { id: 'd1' } },
        project: { name: 'demo', domain: { name: 'Projects' } },
      },
    ],
    ['no project', {}, { project: undefined }],
    [
      'an application credential by id',
      { username: undefined, password: undefined, applicationCredential: { id: 'ac', secret: 's' } },
      { method: 'application_credential', credential: { id: 'ac' }, secret: 's' },
    ],
    [
      'an application credential by its name and its user',
      { password: undefined, applicationCredential: { name: 'robot', secret: 's' }, userDomainId: 'd1' },
      {
        method: 'application_credential',
        credential: { name: 'robot', user: { name: 'ada', domain: { id: 'd1' } } },
        secret: 's',
      },
    ],
  ]
  it.each(rows)('can be %s', async (_, options, expected) => {
    expect(login(await found({ options: { ...password, ...options } }))).toMatchObject(expected)
  })

  it.each([
    ['https://keystone.test', 'https://keystone.test/v3'],
    ['https://keystone.test:5000/', 'https://keystone.test:5000/v3'],
    ['https://cloud.test/identity', 'https://cloud.test/identity/v3'],
    ['https://cloud.test/identity/v3/', 'https://cloud.test/identity/v3'],
    ['https://cloud.test/identity/v3.14', 'https://cloud.test/identity/v3.14'],
  ])('with the address %s sign in at %s', async (authUrl, expected) => {
    expect((await found({ options: { ...password, authUrl } })).authUrl).toBe(expected)
  })

  it('with user and key are for TempAuth', async () => {
    const options = { authUrl: 'https://swift.test/auth/v1.0/', user: 'acct:user', key: 'hush-hush' }
    expect(await found({ options, env: osVariables })).toEqual({
      kind: 'temp-auth',
      foundAt: 'options',
      authUrl: 'https://swift.test/auth/v1.0',
      user: 'acct:user',
      key: 'hush-hush',
    })
  })

  it('choose region and interface', async () => {
    const credentials = await found({
      options: { ...password, region: 'R2', interface: 'admin' },
      env: { OS_REGION_NAME: 'R1', OS_INTERFACE: 'internal' },
    })
    expect(credentials).toMatchObject({ choice: { region: 'R2', interface: 'admin' } })
  })

  const wrong: [string, OpenstackCredentialOptions, RegExp][] = [
    [
      'no address',
      { ...password, authUrl: 'keystone.test' },
      /^option authUrl: expected an http\(s\) address/,
    ],
    [
      'an address with a password',
      { ...password, authUrl: 'https://a:hush-hush@b.test' },
      /^option authUrl: /,
    ],
    [
      'Keystone of another version',
      { ...password, authUrl: 'https://keystone.test/v2.0' },
      /version 2 of Keystone/,
    ],
    ['a number', { ...password, password: 7 as never }, /^option password: expected a text/],
    [
      'an interface there is not',
      { ...password, interface: 'secret' as never },
      /^option interface: expected/,
    ],
    [
      'two secrets',
      { ...password, applicationCredential: { id: 'i', secret: 'hush-hush' } },
      /password and applicationCredential: give one/,
    ],
    [
      'an application credential without a secret',
      { authUrl: password.authUrl, applicationCredential: { id: 'i', secret: '' } },
      /applicationCredential\.secret: missing/,
    ],
    [
      'an application credential without a name',
      { authUrl: password.authUrl, applicationCredential: { secret: 'hush-hush' } as never },
      /neither id nor name/,
    ],
    [
      'an application credential that is a text',
      { authUrl: password.authUrl, applicationCredential: 'hush-hush' as never },
      /applicationCredential: expected \{/,
    ],
    ['both ways', { ...password, user: 'a:b', key: 'hush-hush' }, /user and key are for TempAuth/],
    [
      'a cloud and TempAuth',
      { cloud: 'one', user: 'a:b', key: 'hush-hush' },
      /user and key are for TempAuth/,
    ],
    [
      'a key with a line break',
      { authUrl: 'https://s.test/auth', user: 'a:b', key: 'hush-hush\n' },
      /the key holds a control character/,
    ],
    ['no secret', { ...password, password: '' }, /the options lack a password or an application credential/],
    ['no user', { ...password, username: ' ' }, /the options lack username or user_id/],
    [
      'the name of an application credential without its user',
      { authUrl: password.authUrl, applicationCredential: { name: 'robot', secret: 'hush-hush' } },
      /the options lack whose/,
    ],
    ['a key without its user', { authUrl: 'https://s.test/auth', key: 'hush-hush' }, /the user is missing/],
    ['a user without a key', { authUrl: 'https://s.test/auth', user: 'a:b' }, /the key is missing/],
  ]
  it.each(wrong)('with %s are refused at once, and no secret is shown', (_, options, message) => {
    // What the environment holds does not help: a secret goes to the address that it stands with.
    const sources = { ...places, env: { ...osVariables, ...stVariables, OS_CLOUD: 'one' } }
    const refused = (): unknown => immediateCredentials(options, sources)
    expect(refused).toThrow(ConfigurationError)
    expect(refused).toThrow(message)
    expect(refused).not.toThrow(/hush/)
    expect(refused).toThrow(expect.objectContaining({ cloud: 'openstack' }))
  })

  it('with an address stand alone: nothing else of the environment goes there', async () => {
    const { credentials, read } = await search({
      options: password,
      env: { ...osVariables, ...stVariables, OS_CLOUD: 'one', OS_REGION_NAME: 'R1' },
      files: { [inFolder]: cloudsYaml },
    })
    expect(credentials).toMatchObject({ foundAt: 'options', login: { user: { name: 'ada' } } })
    expect(login(credentials)).toHaveProperty('project', undefined)
    expect(credentials).toMatchObject({ choice: { region: 'R1', interface: 'public' } })
    expect(read).toEqual([])
  })
})

describe('a cloud of clouds.yaml', () => {
  it('is found by option, its texts as they are written', async () => {
    expect(
      await found({ options: { cloud: 'one' }, env: osVariables, files: { [inFolder]: cloudsYaml } }),
    ).toEqual({
      kind: 'keystone',
      foundAt: `cloud 'one' in ${inFolder}`,
      authUrl: 'https://file.test/identity/v3',
      login: {
        method: 'password',
        user: { name: 'file-user', domain: { name: 'People' } },
        password: '0123',
        project: { id: '12e34' },
      },
      choice: { region: 'RegionOne', interface: 'public' },
    })
  })

  it('is found by OS_CLOUD, which wins over OS_*', async () => {
    const credentials = await found({
      env: { ...osVariables, OS_CLOUD: 'one' },
      files: { [inHome]: cloudsYaml },
    })
    expect(credentials.foundAt).toBe(`cloud 'one' in ${inHome}`)
    const option = { cloud: 'one' }
    const other = await found({
      options: option,
      env: { OS_CLOUD: 'nowhere' },
      files: { [inEtc]: cloudsYaml },
    })
    expect(other.foundAt).toBe(`cloud 'one' in ${inEtc}`)
  })

  it('is looked for in the first file there is, and in none after it', async () => {
    const everywhere = {
      '/mine.yaml': cloudsYaml,
      [inFolder]: cloudsYaml,
      [inHome]: cloudsYaml,
      [inEtc]: cloudsYaml,
    }
    const first = await search({
      options: { cloud: 'one' },
      env: { OS_CLIENT_CONFIG_FILE: '/mine.yaml' },
      files: everywhere,
    })
    expect(first.credentials.foundAt).toBe("cloud 'one' in /mine.yaml")
    expect(first.read.filter((path) => path.endsWith('clouds.yaml'))).toEqual([])
    const { read } = await search({ options: { cloud: 'one' }, files: { [inEtc]: cloudsYaml } })
    expect(read).toEqual([
      inFolder,
      inHome,
      inEtc,
      '/project/secure.yaml',
      '/home/bob/.config/openstack/secure.yaml',
      '/etc/openstack/secure.yaml',
    ])
  })

  it.each([
    ['beside clouds.yaml', '/etc/mine/secure.yaml', {}],
    ['where OS_CLIENT_SECURE_FILE says', '/vault/os.yaml', { OS_CLIENT_SECURE_FILE: '/vault/os.yaml' }],
    ['in the working folder', '/project/secure.yaml', {}],
    ['in the home folder', '/home/bob/.config/openstack/secure.yaml', {}],
    ['in /etc', '/etc/openstack/secure.yaml', {}],
  ])('has its secrets in a secure.yaml %s', async (_, path, env) => {
    const credentials = await found({
      options: { cloud: 'two' },
      env: { OS_CLIENT_CONFIG_FILE: '/etc/mine/clouds.yaml', ...env },
      files: {
        '/etc/mine/clouds.yaml': cloudsYaml,
        [path]: 'clouds:\n  two:\n    auth: { password: "from the vault", username: other }',
      },
    })
    expect(credentials).toMatchObject({
      foundAt: `cloud 'two' in /etc/mine/clouds.yaml and ${path}`,
      login: { password: 'from the vault', user: { name: 'other' } },
      choice: { region: 'RegionTwo', interface: 'internal' },
    })
  })

  it('is completed and overruled by options, an id giving way to a name', async () => {
    const credentials = await found({
      options: { cloud: 'one', projectName: 'mine', password: 'typed', region: 'R9' },
      files: { [inFolder]: cloudsYaml },
    })
    expect(credentials).toMatchObject({
      login: { password: 'typed', project: { name: 'mine', domain: { name: 'People' } } },
      choice: { region: 'R9' },
    })
  })

  it.each([
    ['endpoint_type: internalURL', { interface: 'internal' }],
    ['interface: admin', { interface: 'admin' }],
    ['foo: bar', { interface: 'internal', region: 'EnvRegion' }],
  ])('that says %s reaches its services so', async (line, choice) => {
    const credentials = await found({
      options: { cloud: 'x' },
      env: { OS_REGION_NAME: 'EnvRegion', OS_INTERFACE: 'internalURL' },
      files: {
        [inFolder]: `clouds: { x: { ${line}, auth: { auth_url: 'https://a.test', user_id: u, password: p } } }`,
      },
    })
    expect(credentials).toMatchObject({ choice })
  })

  it('may sign in with an application credential, or at TempAuth', async () => {
    const files = {
      [inFolder]: `
clouds:
  robot:
    auth_type: v3applicationcredential
    auth: { auth_url: 'https://a.test', application_credential_id: ac, application_credential_secret: s, password: p }
  person:
    auth_type: password
    auth: { auth_url: 'https://a.test', application_credential_id: ac, application_credential_secret: s, password: p, username: u }
  old:
    auth_type: v1password
    auth: { auth_url: 'https://s.test/auth/v1.0', username: 'a:b', password: k }
`,
    }
    expect(login(await found({ options: { cloud: 'robot' }, files }))).toMatchObject({
      credential: { id: 'ac' },
    })
    expect(login(await found({ options: { cloud: 'person' }, files }))).toMatchObject({ password: 'p' })
    expect(await found({ options: { cloud: 'old' }, files })).toMatchObject({
      kind: 'temp-auth',
      authUrl: 'https://s.test/auth/v1.0',
      user: 'a:b',
      key: 'k',
    })
  })

  const wrong: [string, string | Error, RegExp][] = [
    ['is not there', 'clouds: { a: {}, b: {} }', /there is no cloud 'x'; there are: a, b/],
    ['is in an empty file', '', /there is no cloud 'x'; looked at/],
    ['is in a file without clouds', 'clouds:\n', /there is no cloud 'x'; looked at/],
    ['is in a file that is not YAML', 'clouds: [hush-hush', /file \/project\/clouds.yaml is not YAML/],
    ['is in a file of another kind', '- hush-hush', /expected clouds by their names under 'clouds'/],
    ['is a text', 'clouds: { x: hush-hush }', /cloud 'x' in \/project\/clouds.yaml: expected its settings/],
    [
      'has a text as auth',
      'clouds: { x: { auth: hush-hush } }',
      /expected settings by their names under 'auth'/,
    ],
    [
      'has a list as password',
      'clouds: { x: { auth: { password: [hush-hush] } } }',
      /expected a text as password/,
    ],
    ['has nothing', 'clouds: { x: {} }', /lacks the address to sign in at \(auth_url\)/],
    ['has nothing under auth', 'clouds: { x: { auth: } }', /lacks the address to sign in at \(auth_url\)/],
    [
      'has its address in the profile of a vendor',
      'clouds: { x: { profile: acme, auth: { password: hush-hush } } }',
      /lacks the address .*\(the profile 'acme' is not known here/,
    ],
    [
      'has no secret',
      "clouds: { x: { auth: { auth_url: 'https://a.test', username: u } } }",
      /lacks a password or an application credential/,
    ],
    [
      'wants a way to sign in that is not supported',
      "clouds: { x: { auth_type: v3oidcpassword, auth: { auth_url: 'https://a.test', password: hush-hush } } }",
      /auth_type of cloud 'x' in \/project\/clouds.yaml: the way to sign in 'v3oidcpassword' is not supported/,
    ],
    [
      'has a wrong address',
      "clouds: { x: { auth: { auth_url: 'https://u:hush-hush@a.test', user_id: u, password: p } } }",
      /auth_url of cloud 'x' in \/project\/clouds.yaml: expected an http\(s\) address/,
    ],
    [
      'has a wrong interface',
      "clouds: { x: { interface: top, auth: { auth_url: 'https://a.test', user_id: u, password: hush-hush } } }",
      /interface in clouds.yaml: expected 'public'/,
    ],
    ['cannot be read', trouble('EACCES'), /file \/project\/clouds.yaml may not be read; looked at/],
    ['is in a folder of that name', trouble('EISDIR'), /file \/project\/clouds.yaml is a folder; looked at/],
  ]
  it.each(wrong)('that %s is an error that shows no secret', async (_, content, message) => {
    const error = await failureOf({
      options: { cloud: 'x' },
      env: stVariables,
      files: { [inFolder]: content },
    })
    expect(error.message).toMatch(message)
    expect(error.cloud).toBe('openstack')
    expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toMatch(/hush/)
  })

  it('that is nowhere is an error that lists where was looked', async () => {
    const error = await failureOf({ options: { cloud: 'x' }, env: { OS_CLIENT_CONFIG_FILE: '/mine.yaml' } })
    expect(error.lookedAt.slice(error.lookedAt.indexOf('option cloud: set'))).toEqual([
      'option cloud: set',
      'environment variable OS_CLIENT_CONFIG_FILE: set',
      'file /mine.yaml: does not exist',
      `file ${inFolder}: does not exist`,
      `file ${inHome}: does not exist`,
      `file ${inEtc}: does not exist`,
      'environment variable OS_CLIENT_SECURE_FILE: not set',
      'file /secure.yaml: does not exist',
      'file /project/secure.yaml: does not exist',
      'file /home/bob/.config/openstack/secure.yaml: does not exist',
      'file /etc/openstack/secure.yaml: does not exist',
    ])
  })

  it('is not looked for while it has no name, nor are files read before they must be', async () => {
    const { read } = await search({ env: osVariables, files: { [inFolder]: cloudsYaml } })
    expect(read).toEqual([])
    expect(immediateCredentials({ cloud: 'one' }, { ...places, env: {} })).toBeUndefined()
  })
})

describe('the environment', () => {
  it('has OS_*', async () => {
    const credentials = await found({
      env: { ...osVariables, OS_REGION_NAME: 'R1', OS_ENDPOINT_TYPE: 'adminURL' },
    })
    expect(credentials).toMatchObject({
      foundAt: 'environment variables OS_*',
      authUrl: 'https://env.test:5000/v3',
      login: {
        user: { name: 'env-user', domain: { id: 'default' } },
        password: 'env-secret',
        project: { name: 'env-project', domain: { id: 'default' } },
      },
      choice: { region: 'R1', interface: 'admin' },
    })
  })

  const rows: [string, Record<string, string>, object][] = [
    [
      'ids',
      { OS_USER_ID: 'u', OS_PROJECT_ID: 'p', OS_USERNAME: '' },
      { user: { id: 'u' }, project: { id: 'p' } },
    ],
    [
      'domains',
      { OS_USER_DOMAIN_NAME: 'People', OS_PROJECT_DOMAIN_ID: 'd9' },
      { user: { domain: { name: 'People' } }, project: { domain: { id: 'd9' } } },
    ],
    [
      'tenants, as projects were called',
      { OS_PROJECT_NAME: '', OS_TENANT_NAME: 't' },
      { project: { name: 't' } },
    ],
    ['the id of a tenant', { OS_PROJECT_NAME: '', OS_TENANT_ID: 't' }, { project: { id: 't' } }],
    [
      'an application credential, which wins over a password',
      { OS_APPLICATION_CREDENTIAL_ID: 'ac', OS_APPLICATION_CREDENTIAL_SECRET: 's' },
      { credential: { id: 'ac' }, secret: 's' },
    ],
    [
      'an application credential by name',
      { OS_APPLICATION_CREDENTIAL_NAME: 'ac', OS_APPLICATION_CREDENTIAL_SECRET: 's' },
      { credential: { name: 'ac', user: { name: 'env-user' } } },
    ],
    [
      'a say which of the two it is',
      {
        OS_APPLICATION_CREDENTIAL_ID: 'ac',
        OS_APPLICATION_CREDENTIAL_SECRET: 's',
        OS_AUTH_TYPE: 'v3password',
      },
      { password: 'env-secret' },
    ],
  ]
  it.each(rows)('has %s', async (_, env, expected) => {
    expect(login(await found({ env: { ...osVariables, ...env } }))).toMatchObject(expected)
  })

  it('is completed by options without an address', async () => {
    const credentials = await found({ env: osVariables, options: { password: 'typed', projectId: 'p1' } })
    expect(login(credentials)).toMatchObject({ password: 'typed', project: { id: 'p1' } })
  })

  it('has ST_*, after OS_*', async () => {
    expect((await found({ env: { ...osVariables, ...stVariables } })).kind).toBe('keystone')
    const { OS_PASSWORD: _, ...incomplete } = osVariables
    expect(await found({ env: { ...incomplete, ...stVariables } })).toEqual({
      kind: 'temp-auth',
      foundAt: 'environment variables ST_*',
      authUrl: 'https://swift.test/auth/v1.0',
      user: 'acct:user',
      key: 'st-secret',
    })
  })

  it('completes a user or a key among the options', async () => {
    expect(await found({ env: { ...osVariables, ...stVariables }, options: { user: 'a:b' } })).toMatchObject({
      kind: 'temp-auth',
      user: 'a:b',
      key: 'st-secret',
    })
  })

  it('does not lend TempAuth to options that are for Keystone', async () => {
    const error = await failureOf({ env: stVariables, options: { password: 'hush-hush' } })
    expect(error.message).toMatch(/the address to sign in at \(auth_url\) is missing/)
  })

  it('names the variable that is wrong', () => {
    const refused = (env: Record<string, string>) => () => immediateCredentials({}, { ...places, env })
    expect(refused({ ...osVariables, OS_AUTH_URL: 'x' })).toThrow(
      /^environment variable OS_AUTH_URL: expected/,
    )
    expect(refused({ ...osVariables, OS_INTERFACE: 'x' })).toThrow(
      /^environment variable OS_INTERFACE: expected/,
    )
    expect(refused({ ...osVariables, OS_AUTH_TYPE: 'x' })).toThrow(
      /^environment variable OS_AUTH_TYPE: the way/,
    )
    expect(refused({ ...stVariables, ST_AUTH: 'x' })).toThrow(/^environment variable ST_AUTH: expected/)
    expect(refused({ ...stVariables, ST_KEY: 'a\nb' })).toThrow(/ST_USER and ST_KEY: the key holds/)
  })

  it('without any is an error at once that lists every place and what was there, never a secret', () => {
    const refused = () =>
      immediateCredentials(
        {},
        { ...places, env: { OS_PASSWORD: 'env-secret', OS_USERNAME: ' ', ST_KEY: 'st-secret' } },
      )
    expect(refused).toThrow(
      expect.objectContaining({
        cloud: 'openstack',
        lookedAt: [
          'option authUrl: not set',
          'option username: not set',
          'option userId: not set',
          'option password: not set',
          'option applicationCredential: not set',
          'option user: not set',
          'option key: not set',
          'option cloud: not set',
          'environment variable OS_CLOUD: not set',
          'environment variable OS_AUTH_URL: not set',
          'environment variable OS_USERNAME: empty',
          'environment variable OS_USER_ID: not set',
          'environment variable OS_PASSWORD: set',
          'environment variable OS_APPLICATION_CREDENTIAL_ID: not set',
          'environment variable OS_APPLICATION_CREDENTIAL_NAME: not set',
          'environment variable OS_APPLICATION_CREDENTIAL_SECRET: not set',
          'environment variable ST_AUTH: not set',
          'environment variable ST_USER: not set',
          'environment variable ST_KEY: set',
        ],
      }),
    )
    expect(refused).not.toThrow(/env-secret|st-secret/)
  })
})

describe('the sources of a process', () => {
  it('are its environment, its folders and real files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'clouds-'))
    try {
      const path = join(folder, '.config', 'openstack')
      await mkdir(path, { recursive: true })
      await writeFile(join(path, 'clouds.yaml'), cloudsYaml)
      const sources = { ...systemSources(), env: {}, home: folder, folder: join(folder, 'none') }
      const credentials = await resolveCredentials({ cloud: 'one' }, sources)
      expect(credentials.foundAt).toBe(`cloud 'one' in ${join(path, 'clouds.yaml')}`)
      expect(systemSources()).toMatchObject({ env: process.env, folder: process.cwd() })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
