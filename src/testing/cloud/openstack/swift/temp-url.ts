import { createHmac, timingSafeEqual } from 'node:crypto'
import type { OutgoingHttpHeaders } from 'node:http'
import { posix } from 'node:path'
import { BlockList, isIPv4 } from 'node:net'
import type { Exchange } from '../../service.js'
import { SwiftFailure } from './failure.js'
import type { SwiftInfo } from './info.js'
import { quote, type Place } from './request.js'
import { findContainer, type Region } from './state.js'

/** What the holder of a signed address may do without a token. */
export interface TemporaryLink {
  /** Whether a place is within what the key stands for: its account, or its container. */
  covers(place: Place): boolean
  /** Headers of an object without what links do not show, and with what they add. */
  dress(headers: OutgoingHttpHeaders): OutgoingHttpHeaders
}

type TempUrlInfo = NonNullable<SwiftInfo['tempurl']>

/** Everybody comes from here. */
const CLIENT = '127.0.0.1'
const DIGESTS: Readonly<Record<number, string>> = { 40: 'sha1', 64: 'sha256', 128: 'sha512' }

export function hasTemporaryLink(exchange: Exchange): boolean {
  return exchange.query.has('temp_url_sig') || exchange.query.has('temp_url_expires')
}

/** Checks the signature of an address; refuses the request if anything is wrong with it. */
export function readTemporaryLink(
  exchange: Exchange,
  region: Region,
  info: TempUrlInfo,
  path: string,
  place: Place,
): TemporaryLink {
  const { query, method } = exchange
  const { account, container, object } = place
  const signature = query.get('temp_url_sig')
  const expires = parseExpires(query.get('temp_url_expires'))
  if (container === undefined || object === undefined || signature === null || expires === undefined) {
    throw invalid()
  }
  const prefix = query.get('temp_url_prefix')
  const range = query.get('temp_url_ip_range')
  const methods = method === 'HEAD' ? ['HEAD', 'GET', 'PUT', 'POST'] : [method]
  const timely = expires * 1000 > region.wallNow()
  const fits = prefix === null || object.startsWith(prefix)
  if (!info.methods.includes(method) || !timely || !fits || !isInRange(range)) throw invalid()
  const signed = prefix === null ? path : `prefix:${path.slice(0, -object.length)}${prefix}`
  const texts = methods.map(
    (each) => `${range === null ? '' : `ip=${range}\n`}${each}\n${String(expires)}\n${signed}`,
  )
  const accountKeys = keysOf('Account', region.accounts.get(account)?.headers)
  const containerKeys = keysOf('Container', findContainer(region, account, container)?.headers)
  const isSigned = (keys: readonly string[]): boolean =>
    keys.some((key) => texts.some((text) => isSignatureOf(signature, text, key, info)))
  const wholeAccount = isSigned(accountKeys)
  if (!wholeAccount && !isSigned(containerKeys)) throw invalid()
  if (!['GET', 'HEAD', 'OPTIONS'].includes(method) && exchange.headers['x-object-manifest'] !== undefined) {
    throw new SwiftFailure(400, "The header 'X-Object-Manifest' is not allowed in this tempurl")
  }
  return {
    covers: (other) => other.account === account && (wholeAccount || other.container === container),
    dress: (headers) => dress(headers, query, object, expires),
  }
}

/** Seconds since the epoch, or an instant of UTC. */
function parseExpires(text: string | null): number | undefined {
  if (text === null) return undefined
  if (/^\d+$/.test(text)) return Number(text)
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(time) ? undefined : time / 1000
}

function isInRange(range: string | null): boolean {
  if (range === null) return true
  const [address = '', bits = '32'] = range.split('/')
  if (!isIPv4(address) || !/^\d+$/.test(bits) || Number(bits) > 32) return false
  const list = new BlockList()
  list.addSubnet(address, Number(bits))
  return list.check(CLIENT)
}

function keysOf(
  level: 'Account' | 'Container',
  headers: ReadonlyMap<string, string> | undefined,
): readonly string[] {
  const name = `X-${level}-Meta-Temp-Url-Key`
  return [headers?.get(name), headers?.get(`${name}-2`)].filter((key) => key !== undefined)
}

/** Hex, whose length tells the digest, or the digest's name and Base64. */
function isSignatureOf(signature: string, text: string, key: string, info: TempUrlInfo): boolean {
  const [, named, base64] = /^(sha\w+):(.*)$/.exec(signature) ?? []
  const digest = named ?? DIGESTS[signature.length]
  if (digest === undefined || !info.allowed_digests.includes(digest)) return false
  const given = base64 === undefined ? Buffer.from(signature, 'hex') : Buffer.from(base64, 'base64')
  const expected = createHmac(digest, Buffer.from(key, 'latin1')).update(text).digest()
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function dress(
  headers: OutgoingHttpHeaders,
  query: URLSearchParams,
  object: string,
  expires: number,
): OutgoingHttpHeaders {
  const shown = Object.entries(headers).filter(
    ([name]) => !name.startsWith('X-Object-Meta-') || name.startsWith('X-Object-Meta-Public-'),
  )
  const filename = query.get('filename')
  const own = headers['Content-Disposition']
  const disposition =
    filename === null && query.has('inline')
      ? 'inline'
      : filename === null && own !== undefined
        ? own
        : named(query.has('inline') ? 'inline' : 'attachment', filename ?? posix.basename(object))
  return {
    ...Object.fromEntries(shown),
    'Content-Disposition': disposition,
    Expires: new Date(expires * 1000).toUTCString(),
  }
}

function named(kind: string, filename: string): string {
  const encoded = quote(filename).replaceAll('/', '%2F')
  return `${kind}; filename="${quote(filename).replaceAll('%20', ' ')}"; filename*=UTF-8''${encoded}`
}

function invalid(): SwiftFailure {
  return new SwiftFailure(401, '401 Unauthorized: Temp URL invalid\n', {
    'Www-Authenticate': 'Swift realm="unknown"',
  })
}
