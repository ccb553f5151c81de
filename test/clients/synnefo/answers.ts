import { createSynnefo, type SynnefoClient, type SynnefoConfig } from '../../../src/clients/synnefo/index.js'
import type { Runtime } from '../../../src/runtime.js'
import { fakeTransport, type FakeAnswer, type FakeTransport } from '../../../src/testing/fake-transport.js'

export const TOKEN = 'token-of-ada-7Qx'
export const USER = 'b3f7a5c2-9d0e-4a51-8f7c-2f1f6a9b7c10'

const entry = (type: string, publicURL: string) => ({
  name: `name_of_${type}`,
  type,
  endpoints: [{ publicURL, versionId: 'v2.0', region: 'default' }],
  endpoints_links: [],
})

/** A catalogue with addresses of both kinds: with a version and without (dossier 2.1). */
export const CATALOG = [
  entry('account', 'https://cloud.test/account/v1.0'),
  entry('identity', 'https://cloud.test/identity/v2.0'),
  entry('compute', 'https://cloud.test/compute/v2.0'),
  entry('network', 'https://cloud.test/network'),
  entry('image', 'https://cloud.test/image/'),
  entry('object-store', 'https://store.test/pithos/v1'),
]

/** The answer of `POST tokens` for a token. */
export function access(id = TOKEN, expires = '2096-12-21T10:00:00.481134+00:00') {
  return {
    access: {
      token: { id, expires, tenant: { id: 'project-1', name: 'Ada Example' } },
      user: { id: USER, name: 'Ada Example', roles: [{ id: '1', name: 'default' }], projects: ['project-1'] },
      serviceCatalog: CATALOG,
    },
  }
}

export const AUTHENTICATE = 'POST /identity/v2.0/tokens'

/** A client in front of a table of answers; signing in is in the table already. */
export function clientOf(
  routes: Readonly<Record<string, FakeAnswer | readonly FakeAnswer[]>>,
  runtime: Runtime,
  config: Partial<SynnefoConfig> = {},
): { readonly cloud: SynnefoClient; readonly transport: FakeTransport } {
  const transport = fakeTransport({ [AUTHENTICATE]: { json: access() }, ...routes })
  const cloud = createSynnefo({
    authUrl: 'https://cloud.test/identity/v2.0',
    token: TOKEN,
    transport,
    runtime,
    retry: false,
    ...config,
  })
  return { cloud, transport }
}
