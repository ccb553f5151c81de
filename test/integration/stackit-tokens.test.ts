import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { filter, firstValueFrom, forkJoin, lastValueFrom, take } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { createStackit, type StackitClient, type StackitConfig } from '../../src/clients/stackit/index.js'
import { serviceAccount } from '../../src/clients/stackit/services/service-account/index.js'
import type { CloudError } from '../../src/errors.js'
import { constant } from '../../src/operators/backoff.js'
import { startCloud, type CloudOptions, type EmbeddedCloud } from '../../src/testing/cloud/index.js'

const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

async function start(options: CloudOptions = {}): Promise<EmbeddedCloud> {
  const cloud = await startCloud({ clouds: ['stackit'], ...options })
  open.push(cloud)
  return cloud
}

type Client = StackitClient<{ readonly serviceAccount: typeof serviceAccount }>

function connect({ stackit }: EmbeddedCloud, config: Omit<StackitConfig, 'services'> = {}): Client {
  const client = createStackit({
    serviceAccountKey: stackit.serviceAccountKey,
    endpoints: { 'service-account': stackit.endpoint('service-account') },
    retry: { backoff: constant(1) },
    credentialSources: { env: {}, home: '' },
    ...config,
    services: { serviceAccount },
  })
  open.push(client)
  return client
}

const accountOf = ({ stackit: { projectId, serviceAccountEmail } }: EmbeddedCloud) => ({
  projectId,
  serviceAccountEmail,
})
const grants = (cloud: EmbeddedCloud) => cloud.requests({ path: '/token' }).map(({ status }) => status)
const lives = ({ tokens }: Pick<Client, 'tokens'>): number => {
  const token = tokens.current()
  return (token?.expiresAt ?? 0) - Date.now()
}

async function failureOf(action: Promise<unknown>): Promise<CloudError> {
  return action.then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error as CloudError,
  )
}

describe('the key flow', () => {
  it('logs in once for many calls at once, and keeps the token', async () => {
    const cloud = await start()
    const client = connect(cloud)
    const calls = Array.from({ length: 20 }, () =>
      client.serviceAccount.listServiceAccountKeys(accountOf(cloud)),
    )
    const lists = await lastValueFrom(forkJoin(calls))
    for (const { items } of lists) expect(items[0]?.id).toBe(cloud.stackit.serviceAccountKey.id)
    expect(grants(cloud)).toEqual([200])
    // The end in a JWT is a whole second.
    expect(Math.abs(lives(client) - 600_000)).toBeLessThan(5_000)
  })

  it('works with keys in files, a PKCS#1 private key among them', async () => {
    const cloud = await start()
    const { serviceAccountKey, privateKeyPem } = await cloud.stackit.addKey({ format: 'pkcs1' })
    expect(privateKeyPem).toContain('BEGIN RSA PRIVATE KEY')
    const folder = await mkdtemp(join(tmpdir(), 'skystream-keys-'))
    open.push({ close: () => rm(folder, { recursive: true }) })
    const { privateKey: _, ...credentials } = serviceAccountKey.credentials
    const [keyPath, pemPath, path] = ['key.json', 'key.pem', 'credentials.json'].map((name) =>
      join(folder, name),
    )
    await writeFile(keyPath!, JSON.stringify({ ...serviceAccountKey, credentials }))
    await writeFile(pemPath!, privateKeyPem)
    await writeFile(
      path!,
      JSON.stringify({ STACKIT_SERVICE_ACCOUNT_KEY_PATH: keyPath, STACKIT_PRIVATE_KEY_PATH: pemPath }),
    )
    const client = connect(cloud, {
      serviceAccountKey: undefined,
      credentialSources: { env: { STACKIT_CREDENTIALS_PATH: path }, home: '' },
    })
    const { items } = await lastValueFrom(client.serviceAccount.listServiceAccountKeys(accountOf(cloud)))
    expect(items).toHaveLength(2)
  })

  it('works with a key that the service has just made, until it is removed', async () => {
    const cloud = await start()
    const client = connect(cloud)
    const account = accountOf(cloud)
    const made = await firstValueFrom(client.serviceAccount.createServiceAccountKey(account))
    const { privateKey } = made.credentials
    const second = connect(cloud, { serviceAccountKey: made, privateKey })
    expect(
      await firstValueFrom(second.serviceAccount.getServiceAccountKey({ ...account, keyId: made.id })),
    ).toMatchObject({
      id: made.id,
      active: true,
    })
    await lastValueFrom(client.serviceAccount.deleteServiceAccountKey({ ...account, keyId: made.id }))
    const third = connect(cloud, { serviceAccountKey: made, privateKey })
    const error = await failureOf(lastValueFrom(third.serviceAccount.listServiceAccountKeys(account)))
    expect(error.code).toBe('SKY_TOKEN')
    expect(error.message).toContain(`does not know the service account key ${made.credentials.kid}`)
    expect(inspect([made, error], { depth: 9 })).not.toMatch(/BEGIN (RSA )?PRIVATE|MII[\w+/]{40}.*PRIVATE/)
  })

  it('corrects the end of a token by the clock of the server', async () => {
    const cloud = await start({ skewMs: 300_000 })
    const client = connect(cloud)
    await firstValueFrom(client.tokens.token())
    expect(Math.abs(lives(client) - 600_000)).toBeLessThan(5_000)
  })

  it.each([-600_000, 600_000])('works though the clocks differ by %i ms', async (skewMs) => {
    const cloud = await start({ skewMs })
    const client = connect(cloud)
    await firstValueFrom(client.tokens.token())
    expect(grants(cloud).at(-1)).toBe(200)
    expect(grants(cloud).length).toBeLessThanOrEqual(2)
    expect(Math.abs(lives(client) - 600_000)).toBeLessThan(5_000)
  })

  it('does without refresh tokens', async () => {
    const cloud = await start({ stackit: { refreshTokens: false } })
    const client = connect(cloud)
    await firstValueFrom(client.tokens.token())
    expect((await firstValueFrom(client.tokens.refresh())).refreshToken).toBeUndefined()
    expect(grants(cloud)).toEqual([200, 200])
  })

  it('falls back to an assertion, once, when the refresh token is refused', async () => {
    const cloud = await start()
    const client = connect(cloud)
    await firstValueFrom(client.tokens.token())
    await firstValueFrom(client.tokens.refresh())
    expect(grants(cloud)).toEqual([200, 200])
    cloud.stackit.revokeTokens('refresh')
    await firstValueFrom(client.tokens.refresh())
    expect(grants(cloud)).toEqual([200, 200, 400, 200])
  })

  it('gets over a token service in trouble, and over an answer that was lost', async () => {
    const cloud = await start()
    cloud.faults.add({ path: '/token', fault: { kind: 'status', status: 503 } })
    cloud.faults.add({ path: '/token', fault: { kind: 'reset' } })
    const client = connect(cloud)
    await firstValueFrom(client.tokens.token())
    expect(grants(cloud)).toHaveLength(3)
    expect(grants(cloud).at(-1)).toBe(200)
  })

  it('gives up after three attempts, and works again afterwards', async () => {
    const cloud = await start()
    cloud.faults.add({ path: '/token', times: 3, fault: { kind: 'status', status: 504 } })
    const client = connect(cloud)
    const error = await failureOf(firstValueFrom(client.tokens.token()))
    expect(error).toMatchObject({ status: 504, attempts: 3 })
    expect(client.tokens.value).toMatchObject({ kind: 'failed' })
    await firstValueFrom(client.tokens.token())
    expect(client.tokens.value).toMatchObject({ kind: 'valid' })
    expect(grants(cloud)).toEqual([504, 504, 504, 200])
  })

  it('is refused with a private key of somebody else', async () => {
    const cloud = await start()
    const { privateKeyPem } = await cloud.stackit.addKey()
    const client = connect(cloud, { privateKey: privateKeyPem })
    const error = await failureOf(firstValueFrom(client.tokens.token()))
    expect(error).toMatchObject({ status: 400, operation: 'stackit.tokens.grantByAssertion' })
    expect(grants(cloud)).toEqual([400])
  })
})

describe('a refused token', () => {
  it('costs one renewal, however many calls met the refusal', async () => {
    const cloud = await start()
    const client = connect(cloud)
    const account = accountOf(cloud)
    await lastValueFrom(client.serviceAccount.listServiceAccountKeys(account))
    cloud.stackit.revokeTokens('access')
    const states = firstValueFrom(client.tokens.pipe(filter(({ kind }) => kind === 'idle')))
    const calls = Array.from({ length: 30 }, () => client.serviceAccount.listServiceAccountKeys(account))
    await lastValueFrom(forkJoin(calls))
    await states
    expect(grants(cloud)).toEqual([200, 200])
    const answers = cloud.requests({ path: '/service-account/*' }).map(({ status }) => status)
    expect(answers.filter((status) => status === 200)).toHaveLength(31)
    expect(answers.filter((status) => status === 401).length).toBeGreaterThan(0)
  })

  it('is final when the new one is refused, too', async () => {
    const cloud = await start()
    cloud.faults.add({ path: '/service-account/*', times: 2, fault: { kind: 'token-revoked' } })
    const client = connect(cloud)
    const error = await failureOf(
      lastValueFrom(client.serviceAccount.listServiceAccountKeys(accountOf(cloud))),
    )
    expect(error).toMatchObject({ code: 'SKY_HTTP_AUTHENTICATION', status: 401 })
    expect(cloud.requests({ path: '/service-account/*' })).toHaveLength(2)
    expect(grants(cloud)).toEqual([200, 200])
  })

  it('that the user gave is an error that says so', async () => {
    const cloud = await start()
    const client = connect(cloud, { serviceAccountKey: undefined, token: 'no-such-token' })
    const error = await failureOf(
      lastValueFrom(client.serviceAccount.listServiceAccountKeys(accountOf(cloud))),
    )
    expect(error).toMatchObject({ code: 'SKY_TOKEN', cause: { status: 401 } })
    expect(cloud.requests()).toHaveLength(1)
  })
})

it('says what the service says: no token, no such project', async () => {
  const cloud = await start()
  const anonymous = connect(cloud, { anonymous: true })
  const missing = await failureOf(
    lastValueFrom(anonymous.serviceAccount.listServiceAccountKeys(accountOf(cloud))),
  )
  expect(missing).toMatchObject({ code: 'SKY_HTTP_AUTHENTICATION' })
  expect(missing).toHaveProperty('reason', expect.stringMatching(/./))
  expect(missing).toHaveProperty('requestId', expect.stringMatching(/^[\da-f]{32}$/))
  const elsewhere = { ...accountOf(cloud), projectId: '00000000-0000-4000-8000-000000000000' }
  const forbidden = await failureOf(
    lastValueFrom(connect(cloud).serviceAccount.listServiceAccountKeys(elsewhere)),
  )
  expect(forbidden).toMatchObject({ code: 'SKY_HTTP_PERMISSION', status: 403 })
})

it('lets a token be kept and used by the next run', async () => {
  const cloud = await start()
  const client = connect(cloud)
  const kept = firstValueFrom(client.tokens.pipe(filter((state) => state.kind === 'valid')))
  await firstValueFrom(client.tokens.token())
  const { token } = await kept
  const { value, refreshToken, obtainedAt, expiresAt } = token
  const next = connect(cloud, {
    initialToken: {
      value,
      obtainedAt,
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(refreshToken === undefined ? {} : { refreshToken }),
    },
  })
  await lastValueFrom(next.serviceAccount.listServiceAccountKeys(accountOf(cloud)))
  expect(grants(cloud)).toEqual([200])
  await firstValueFrom(next.tokens.refresh().pipe(take(1)))
  expect(grants(cloud)).toEqual([200, 200])
})
