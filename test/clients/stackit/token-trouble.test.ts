import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { lastValueFrom } from 'rxjs'
import { afterEach, describe, expect, it } from 'vitest'
import { createStackit } from '../../../src/clients/stackit/index.js'
import type { CloudError } from '../../../src/errors.js'
import { constant } from '../../../src/operators/backoff.js'
import { nowhere, zoo, type Zoo } from './definition.js'

const pem = (type: 'rsa' | 'ec'): string => {
  const { privateKey } =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
}
const privateKey = pem('rsa')
const serviceAccountKey = {
  keyAlgorithm: 'RSA_2048',
  credentials: { kid: 'k1', iss: 'robot@sa.stackit.cloud', sub: 's', aud: 'https://aud', privateKey },
}

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  open.push(() => {
    server.closeAllConnections()
    return server.listening ? new Promise((resolve) => server.close(resolve)) : undefined
  })
  return (server.address() as AddressInfo).port
}

/** Grants tokens at `/token`, and does what else is asked of it. */
const healthy: RequestListener = (request, response) => {
  response.setHeader('content-type', 'application/json')
  if (request.url === '/token') response.end('{"access_token":"granted","expires_in":600}')
  else response.end()
}

function client(port: number, options: object = {}): Zoo {
  const origin = `http://127.0.0.1:${String(port)}`
  const cloud = createStackit({
    serviceAccountKey,
    tokenEndpoint: `${origin}/token`,
    endpoints: { 'big-zoo': origin },
    retry: { backoff: constant(1) },
    credentialSources: nowhere,
    ...options,
    services: { zoo },
  })
  open.push(() => {
    cloud.close()
  })
  return cloud.zoo
}

async function failureOf(action: Promise<unknown>): Promise<CloudError> {
  return action.then(
    () => {
      throw new Error('it succeeded')
    },
    (error: unknown) => error as CloudError,
  )
}

const remove = (service: Zoo): Promise<unknown> => lastValueFrom(service['removeKeeper']!())

describe('a token endpoint', () => {
  it('that is down is an error of the network, and none once it is up again', async () => {
    const first = createServer(healthy)
    const port = await listen(first)
    const service = client(port)
    await new Promise((resolve) => first.close(resolve))
    const error = await failureOf(remove(service))
    expect(error).toMatchObject({ code: 'SKY_NETWORK', errno: 'ECONNREFUSED', attempts: 3 })
    expect(error.operation).toBe('stackit.tokens.grantByAssertion')
    await listen(createServer(healthy), port)
    await expect(remove(service)).resolves.toBeUndefined()
  })

  const page = '<!doctype html><title>Sign in</title>'
  it.each<[string, number, object, number]>([
    ['HTML and says that all is well', 200, { code: 'SKY_RESPONSE_FORMAT', issues: ['body is not JSON'] }, 1],
    ['HTML of a gateway in trouble', 502, { code: 'SKY_HTTP_SERVER', status: 502 }, 3],
    ['HTML of somebody else', 403, { code: 'SKY_HTTP_PERMISSION', status: 403, reason: page }, 1],
  ])('that answers %s is a typed error, until it does not', async (_, status, expected, attempts) => {
    let asked = 0
    let sick = true
    const server = createServer((request, response) => {
      if (!sick || request.url !== '/token') {
        healthy(request, response)
        return
      }
      asked++
      response.writeHead(status, { 'content-type': 'text/html' }).end(page)
    })
    const service = client(await listen(server))
    const error = await failureOf(remove(service))
    expect(error).toMatchObject({ ...expected, operation: 'stackit.tokens.grantByAssertion' })
    expect(asked).toBe(attempts)
    sick = false
    await expect(remove(service)).resolves.toBeUndefined()
  })

  it('that hangs up is asked again', async () => {
    let asked = 0
    const server = createServer((request, response) => {
      if (request.url === '/token' && ++asked < 3) request.socket.destroy()
      else healthy(request, response)
    })
    await expect(remove(client(await listen(server)))).resolves.toBeUndefined()
    expect(asked).toBe(3)
  })

  it('that does not know the key is an error of the token, until it does', async () => {
    let known = false
    const server = createServer((request, response) => {
      if (known || request.url !== '/token') healthy(request, response)
      else response.writeHead(400).end('{"status":400,"message":"Key with kid k1 was not found"}')
    })
    const service = client(await listen(server))
    const error = await failureOf(remove(service))
    expect(error).toMatchObject({ code: 'SKY_TOKEN', cause: { status: 400 } })
    known = true
    await expect(remove(service)).resolves.toBeUndefined()
  })
})

describe('a key of the wrong algorithm', () => {
  it('is an error of configuration, before anything is sent', () => {
    const act = (): unknown => client(1, { privateKey: pem('ec') })
    expect(act).toThrow(/^private key \(option privateKey\): expected an RSA key, but it is of type ec$/)
    try {
      act()
    } catch (error) {
      expect(error).toHaveProperty('code', 'SKY_CONFIGURATION')
      expect(inspect(error)).not.toContain('PRIVATE KEY')
    }
  })
})

describe('federation', () => {
  it('exchanges the token of another for one of ours', async () => {
    const seen: string[] = []
    const server = createServer((request, response) => {
      seen.push(`${request.url ?? ''} ${request.headers.authorization ?? ''}`.trim())
      healthy(request, response)
    })
    const port = await listen(server)
    const tokenEndpoint = `http://127.0.0.1:${String(port)}/token`
    const service = client(port, {
      serviceAccountKey: undefined,
      serviceAccountEmail: 'robot@sa.stackit.cloud',
      workloadIdentity: { token: () => Promise.resolve('federated'), tokenEndpoint },
    })
    await remove(service)
    expect(seen).toEqual(['/token', '/v2/keeper Bearer granted'])
  })

  it('reads the file of the environment for each exchange', async () => {
    const port = await listen(createServer(healthy))
    const reads: string[] = []
    const jwt = `e30.${Buffer.from('{"sub":"w"}').toString('base64url')}.x`
    const service = client(port, {
      serviceAccountKey: undefined,
      credentialSources: {
        env: {
          STACKIT_SERVICE_ACCOUNT_EMAIL: 'robot@sa.stackit.cloud',
          STACKIT_FEDERATED_TOKEN_FILE: '/run/token',
          STACKIT_IDP_TOKEN_ENDPOINT: `http://127.0.0.1:${String(port)}/token`,
        },
        home: '',
        readFile: (path: string) => {
          reads.push(path)
          return Promise.resolve(jwt)
        },
      },
    })
    await remove(service)
    // Once to see whether it is there, once to use it.
    expect(reads).toEqual(['/run/token', '/run/token'])
  })
})
