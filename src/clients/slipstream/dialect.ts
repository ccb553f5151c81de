import type { CloudEntryPoint } from './cimi-schemas.js'

/** How SlipStream and its successor Nuvla differ where they share a protocol (slipstream dossier, appendix N). */
export interface Dialect {
  readonly cloud: 'slipstream' | 'nuvla'
  /** The hosted service. */
  readonly endpoint: string
  /** Name of the session's cookie. */
  readonly cookie: string
  /** Below the user's home, where the reference clients keep their cookies. */
  readonly cookieFile: readonly [folder: string, file: string]
  /** Variables of the environment; a user or a key, with its secret. */
  readonly variables: {
    readonly endpoint: string
    readonly credentials: {
      readonly kind: 'password' | 'key'
      readonly name: string
      readonly secret: string
    }
  }
  /** Field of a new session that holds what one logs in with. */
  readonly templateField: 'sessionTemplate' | 'template'
  /** Field of a new credential that says what kind is wanted. */
  readonly credentialField: 'credentialTemplate' | 'template'
  readonly passwordTemplate: string
  /** Field of a new API key's answer that holds its secret. */
  readonly secretField: string
  /** In front of the names of query parameters. */
  readonly queryPrefix: '$' | ''
  /** Names of the collections that the session group asks. */
  readonly collections: {
    readonly sessions: string
    readonly sessionTemplates: string
    readonly credentials: string
  }
  /** Field of a collection's body with the resources. */
  resourcesField(collection: string): string
  readEntryPoint(body: Readonly<Record<string, unknown>>): CloudEntryPoint
}

export const slipstreamDialect: Dialect = {
  cloud: 'slipstream',
  endpoint: 'https://nuv.la',
  cookie: 'com.sixsq.slipstream.cookie',
  cookieFile: ['.slipstream', 'cookies.txt'],
  variables: {
    endpoint: 'SLIPSTREAM_ENDPOINT',
    credentials: { kind: 'password', name: 'SLIPSTREAM_USERNAME', secret: 'SLIPSTREAM_PASSWORD' },
  },
  templateField: 'sessionTemplate',
  credentialField: 'credentialTemplate',
  passwordTemplate: 'session-template/internal',
  secretField: 'secretKey',
  queryPrefix: '$',
  collections: {
    sessions: 'sessions',
    sessionTemplates: 'sessionTemplates',
    credentials: 'credentials',
  },
  resourcesField: (collection) => collection,
  readEntryPoint: (body) => ({ ...baseUri(body['baseURI']), collections: referencesIn(body) }),
}

export const nuvlaDialect: Dialect = {
  cloud: 'nuvla',
  endpoint: 'https://nuvla.io',
  cookie: 'com.com.sixsq.nuvla.cookie',
  cookieFile: ['.nuvla', 'cookies.txt'],
  variables: {
    endpoint: 'NUVLA_ENDPOINT',
    // unverified: what Nuvla gives the programs that it deploys.
    credentials: { kind: 'key', name: 'NUVLA_API_KEY', secret: 'NUVLA_API_SECRET' },
  },
  templateField: 'template',
  // unverified: as with sessions.
  credentialField: 'template',
  passwordTemplate: 'session-template/password',
  // unverified: as all names of Nuvla are written.
  secretField: 'secret-key',
  queryPrefix: '',
  collections: {
    sessions: 'session',
    sessionTemplates: 'session-template',
    credentials: 'credential',
  },
  resourcesField: () => 'resources',
  readEntryPoint: (body) => ({
    ...baseUri(body['base-uri']),
    collections: referencesIn(body['collections']),
  }),
}

function baseUri(value: unknown): Pick<CloudEntryPoint, 'baseUri'> {
  return typeof value === 'string' ? { baseUri: value } : {}
}

/** Every field that refers to something: `{"events": {"href": "event"}}`. */
function referencesIn(fields: unknown): Readonly<Record<string, string>> {
  if (typeof fields !== 'object' || fields === null) return {}
  const references = Object.entries(fields as Readonly<Record<string, unknown>>).flatMap(([name, field]) => {
    const href = typeof field === 'object' && field !== null && 'href' in field ? field.href : undefined
    return typeof href === 'string' ? [[name, href] as const] : []
  })
  return Object.fromEntries(references)
}
