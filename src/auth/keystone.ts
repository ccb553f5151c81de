import { map, type Observable } from 'rxjs'
import { z } from 'zod'
import { call, type Api } from '../http/api.js'
import { header, json, jsonBody, unfit } from '../http/codecs.js'
import type { Operation } from '../http/types.js'
import { expiry } from './expiry.js'
import { sealToken, type Token } from './token.js'

/** A domain of Keystone, by its id or its name. */
export type KeystoneDomain = { readonly id: string } | { readonly name: string }

/** A user or a project: by its id, or by its name, which is unique only within a domain. */
export type KeystonePrincipal =
  { readonly id: string } | { readonly name: string; readonly domain: KeystoneDomain }

/** How to sign in. An application credential has its project built in. */
export type KeystoneLogin =
  | {
      readonly method: 'password'
      readonly user: KeystonePrincipal
      readonly password: string
      /** Absent: the user's default project, if there is one. Without a project there is no catalogue. */
      readonly project?: KeystonePrincipal | undefined
    }
  | {
      readonly method: 'application_credential'
      readonly credential:
        { readonly id: string } | { readonly name: string; readonly user: KeystonePrincipal }
      readonly secret: string
    }

/** Who may reach an endpoint: everybody, the cloud's own network, its administrators. */
export type EndpointInterface = 'public' | 'internal' | 'admin'

/** Which of a service's endpoints are meant. */
export interface EndpointChoice {
  /** Absent: the only one there is. */
  readonly region?: string | undefined
  readonly interface: EndpointInterface
}

// --- wire (Keystone dossier, "Keystone v3 requests" and "What it answers") ----------------------------------

const endpoint = z.looseObject({
  interface: z.string(),
  url: z.string(),
  region: z.string().nullish(),
  region_id: z.string().nullish(),
})
const service = z.looseObject({
  type: z.string(),
  name: z.string().optional(),
  endpoints: z.array(endpoint),
})
export const keystoneCatalog = z.array(service)

const reference = z.looseObject({ id: z.string(), name: z.string() })
const scoped = z.looseObject({ id: z.string(), name: z.string(), domain: reference })

/** What is relied on: where the services are, if it is said. */
const steering = z.looseObject({ token: z.looseObject({ catalog: keystoneCatalog.optional() }) })
const described = z.looseObject({
  token: z.looseObject({
    user: scoped,
    project: scoped.optional(),
    roles: z.array(reference).optional(),
    methods: z.array(z.string()),
    issued_at: z.string(),
    expires_at: z.string(),
    catalog: keystoneCatalog.optional(),
  }),
})

/** One service of the cloud and its endpoints, by region and interface. */
export type KeystoneService = Readonly<z.infer<typeof service>>

/** What Keystone says of a token, the token itself not being in it. */
export type KeystoneSession = Readonly<z.infer<typeof described>['token']>

/** Reads the body of an answer about a token. */
export const readSession = json(steering, described)

/** A token of Keystone with what came along with it. */
export interface KeystoneToken extends Token {
  readonly kind: 'keystone'
  /** Who issued it: the address of Keystone, with its version. */
  readonly authUrl: string
  readonly user: KeystoneSession['user']
  /** Absent if it belongs to no project. */
  readonly project?: KeystoneSession['project']
  readonly roles: NonNullable<KeystoneSession['roles']>
  readonly catalog: readonly KeystoneService[]
  /** Which endpoints of the catalogue this client uses. */
  readonly choice: EndpointChoice
}

type Issued = Omit<KeystoneToken, 'authUrl' | 'choice'>

/** `POST auth/tokens`: signs in. The token is in a header of the answer. */
export const issueToken: Operation<{ readonly login: KeystoneLogin }, Issued> = {
  id: 'openstack.tokens.issue',
  service: 'identity',
  method: 'POST',
  path: '/auth/tokens',
  success: [201],
  // Nothing is made but a token: one more does no harm.
  idempotent: true,
  encode: ({ login }) => ({
    path: '/auth/tokens',
    ...jsonBody({ auth: authOf(login) }),
    secrets: secretsOf(login),
  }),
  decode: (response, context) => {
    const value = header(response, 'x-subject-token')
    if (value === undefined || value === '') {
      throw unfit(response, context, ['the header X-Subject-Token is missing'])
    }
    const {
      user,
      project,
      roles = [],
      catalog = [],
      expires_at,
      issued_at,
    } = readSession(response, context).token
    const receivedAt = context.now()
    return sealToken({
      kind: 'keystone',
      value,
      obtainedAt: receivedAt,
      // Not every Keystone sends a date: then the instant of issue tells its clock.
      ...expiry({
        absolute: Date.parse(expires_at),
        date: header(response, 'date') ?? issued_at,
        receivedAt,
      }),
      user,
      ...(project === undefined ? {} : { project }),
      roles,
      catalog,
    })
  },
}

function authOf(login: KeystoneLogin): object {
  if (login.method === 'password') {
    const { user, password, project } = login
    return {
      identity: { methods: ['password'], password: { user: { ...user, password } } },
      ...(project === undefined ? {} : { scope: { project } }),
    }
  }
  const { credential, secret } = login
  return {
    identity: {
      methods: ['application_credential'],
      application_credential: { ...credential, secret },
    },
  }
}

/** The secret, and how it stands in JSON, and in a JSON text that is a field of JSON: a server may repeat the request in its error. */
function secretsOf(login: KeystoneLogin): readonly string[] {
  const secret = login.method === 'password' ? login.password : login.secret
  const inJson = quoted(secret)
  return [...new Set([secret, inJson, quoted(inJson)])]
}

function quoted(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

// --- the flow -----------------------------------------------------------------------------------------------

export interface KeystoneOptions {
  /** Reaches Keystone at `authUrl`, without authorization. */
  readonly api: Api
  /** The address of Keystone, with its version: `https://keystone.example.org/v3`. */
  readonly authUrl: string
  readonly login: KeystoneLogin
  /** Kept with the token. */
  readonly choice: EndpointChoice
}

/**
 * Acquires tokens from Keystone v3 by signing in anew each time: Keystone has no refresh tokens, and a token that is used to get
 * another one gives it no longer life than its own.
 */
export function keystone({ api, authUrl, login, choice }: KeystoneOptions): () => Observable<KeystoneToken> {
  const issued = call(api, issueToken, { login }).pipe(
    // What a copy leaves behind of a sealed token is the secret.
    map((token) => sealToken({ ...token, value: token.value, authUrl, choice })),
  )
  return () => issued
}
