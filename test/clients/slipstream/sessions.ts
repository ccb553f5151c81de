import type { CloudError } from '../../../src/errors.js'
import type { FakeResponse } from '../../../src/testing/fake-transport.js'
import { firstValueFrom, toArray, type Observable } from 'rxjs'

/** What SlipStream and Nuvla answer where sessions begin. */
export const NOW = Date.parse('2019-03-29T09:15:00Z')
/** So that the end of a session counts from now on, whatever the clock of the test says. */
export const DATE = new Date(NOW).toUTCString()
export const DAY_SECONDS = 86_400
export const COOKIE = 'com.sixsq.slipstream.cookie'
export const NUVLA_COOKIE = 'com.com.sixsq.nuvla.cookie'

export const jwt = (claims: object = {}): string =>
  `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(JSON.stringify({ exp: NOW / 1000 + DAY_SECONDS, ...claims })).toString(
    'base64url',
  )}.c2ln`

/** A login that succeeds, with the n-th token. */
export const granted = (n: number, username = 'jane'): FakeResponse => ({
  status: 201,
  headers: {
    date: DATE,
    location: `session/${String(n)}`,
    'set-cookie': `${COOKIE}=token=${jwt({ username, session: `session/${String(n)}` })};Secure;Path=/;Expires=Sat, 30 Mar 2019 09:15:00 +0000`,
  },
  json: { status: 201, message: `session/${String(n)} created`, 'resource-id': `session/${String(n)}` },
})

export const forbidden = (message = 'credentials required'): FakeResponse => ({
  status: 403,
  json: { status: 403, message },
})

export const entryPoint = {
  id: 'cloud-entry-point',
  resourceURI: 'http://schemas.dmtf.org/cimi/2/CloudEntryPoint',
  acl: { owner: { principal: 'ADMIN', type: 'ROLE' }, rules: [] },
  baseURI: 'https://nuv.la/api/',
  sessions: { href: 'session' },
  sessionTemplates: { href: 'session-template' },
  credentials: { href: 'credential' },
  events: { href: 'event' },
  virtualMachines: { href: 'virtual-machine' },
}

/** A home without files, and an environment without variables. */
export const nowhere = { env: {}, home: '' }

export function items<T>(source: Observable<T>): Promise<T[]> {
  return firstValueFrom(source.pipe(toArray()))
}

export async function failure(source: Observable<unknown>): Promise<CloudError> {
  const outcome = await items(source).catch((error: unknown) => error as CloudError)
  if (outcome instanceof Error) return outcome
  throw new Error(`expected an error, but got ${JSON.stringify(outcome)}`)
}
