import { createRoutes, type Params, type Routes } from '../routes.js'
import type { Exchange } from '../service.js'
import { sendError, sendForbidden } from './answers.js'
import {
  fullKey,
  generateRsa,
  listedKey,
  readPublicKey,
  withCredentials,
  type Keys,
  type RegisteredKey,
  type ServiceAccount,
} from './keys.js'

export interface ServiceAccountsOptions {
  readonly prefix: string
  readonly keys: Keys
  readonly wallNow: () => number
  readonly audience: (exchange: Exchange) => string
  readonly tokenEndpoint: (exchange: Exchange) => string
}

type AccountHandler = (exchange: Exchange, account: ServiceAccount, params: Params) => void | Promise<void>

/** Keys of service accounts: list, get, create, update, delete, and the public key set (service-account v2). */
export function routeServiceAccounts(options: ServiceAccountsOptions): Routes {
  const { keys, wallNow, prefix } = options
  const routes = createRoutes()
  const path = `${prefix}/v2/projects/:projectId/service-accounts/:email/keys`

  const withAccount =
    (handler: AccountHandler) =>
    (exchange: Exchange, params: Params): void | Promise<void> => {
      const account = keys.accounts.find(
        ({ email, projectId }) => email === params['email'] && projectId === params['projectId'],
      )
      if (account !== undefined) return handler(exchange, account, params)
      sendForbidden(exchange)
    }
  const withKey = (handler: (exchange: Exchange, key: RegisteredKey) => void | Promise<void>) =>
    withAccount((exchange, account, params) => {
      const key = keys.byId(params['keyId'] ?? '')
      if (key?.account === account) return handler(exchange, key)
      sendError(exchange, wallNow(), 404, `Key with id ${params['keyId'] ?? ''} was not found`)
    })

  routes.on(
    'GET',
    path,
    withAccount((exchange, account) => {
      exchange.json(200, { items: keys.of(account).map(listedKey) })
    }),
  )
  routes.on(
    'POST',
    path,
    withAccount(async (exchange, account) => {
      const request = await readObject(exchange)
      if (request === undefined) {
        sendError(exchange, wallNow(), 400, 'The body is not a JSON object')
        return
      }
      const { publicKey: pem, algorithm = 'RSA_2048' } = request
      const validUntil = readInstant(request['validUntil'])
      if (Number.isNaN(validUntil)) {
        sendError(exchange, wallNow(), 400, 'validUntil is not a date-time')
        return
      }
      const life = validUntil === undefined ? {} : { validUntil }
      if (pem !== undefined) {
        const publicKey = readPublicKey(pem)
        if (publicKey === undefined) {
          sendError(
            exchange,
            wallNow(),
            400,
            'publicKey is not an RSA public key of 2048 or 4096 bits in PEM',
          )
        } else if (keys.of(account).some((key) => key.publicKey.equals(publicKey))) {
          sendError(exchange, wallNow(), 409, 'The public key is registered already')
        } else {
          const key = keys.register(account, publicKey, life)
          exchange.json(201, fullKey(key, options.audience(exchange)))
        }
        return
      }
      if (algorithm !== 'RSA_2048' && algorithm !== 'RSA_4096') {
        sendError(exchange, wallNow(), 400, 'algorithm must be RSA_2048 or RSA_4096')
        return
      }
      const made = await generateRsa(algorithm)
      const key = keys.register(account, made.publicKey, { ...life, origin: 'GENERATED' })
      exchange.json(
        201,
        withCredentials(fullKey(key, options.audience(exchange)), {
          tokenEndpoint: options.tokenEndpoint(exchange),
          privateKey: made.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        }),
      )
    }),
  )
  routes.on(
    'GET',
    `${path}/:keyId`,
    withKey((exchange, key) => {
      exchange.json(200, fullKey(key, options.audience(exchange)))
    }),
  )
  routes.on(
    'PATCH',
    `${path}/:keyId`,
    withKey(async (exchange, key) => {
      const request = await readObject(exchange)
      const validUntil = readInstant(request?.['validUntil'])
      const active = request?.['active'] ?? key.active
      if (request === undefined || Number.isNaN(validUntil) || typeof active !== 'boolean') {
        sendError(exchange, wallNow(), 400, 'The body is not a valid change of a key')
        return
      }
      key.active = active
      if (validUntil !== undefined) key.validUntil = validUntil
      exchange.json(201, listedKey(key))
    }),
  )
  routes.on(
    'DELETE',
    `${path}/:keyId`,
    withKey((exchange, key) => {
      keys.remove(key)
      exchange.send(200)
    }),
  )
  return routes
}

/** The public keys of an account; nobody needs a token for them. */
export function sendKeySet(exchange: Exchange, keys: Keys, email: string): void {
  const account = keys.accounts.find((candidate) => candidate.email === email)
  const registered = account === undefined ? [] : keys.of(account)
  exchange.json(200, {
    keys: registered.map((key) => ({
      ...key.publicKey.export({ format: 'jwk' }),
      kid: key.kid,
      alg: 'RS512',
      use: 'sig',
    })),
  })
}

/** An empty body is an empty object: all fields are optional. */
async function readObject(exchange: Exchange): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = (await exchange.body()).toString('utf8')
  if (text === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Nothing if there is none; NaN if it is none. */
function readInstant(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? Date.parse(value) : NaN
}
