import { createHmac } from 'node:crypto'
import { map, type Observable } from 'rxjs'
import { call, type Api, type Endpoint } from '../../../http/api.js'
import { query } from '../../../http/codecs.js'
import { oneOf, textArgument } from '../storage/arguments.js'
import { checkText, containerName, encodeBytes, objectPath, type ObjectName } from '../storage/names.js'
import { postSwiftAccount } from './account.js'
import { pathInStore } from './catalogue.js'
import { postSwiftContainer } from './containers.js'
import { secondsOf } from './headers.js'
import type { TemporaryUrlKeyOptions, TemporaryUrlOptions } from './options.js'

const methods = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const
const digests = ['sha1', 'sha256', 'sha512'] as const

/**
 * Emits an address that opens an object without a token, for a while. Nothing is sent, and so nobody checks the key.
 *
 * @param store - where the account of the user is
 */
export function temporaryUrl(
  api: Api,
  store: Observable<Endpoint>,
  name: ObjectName,
  options: TemporaryUrlOptions,
): Observable<string> {
  const { prefix, fileName, inline } = options
  const key = keyOf(options.key, 'options.key')
  const method = oneOf('options.method', options.method, methods)
  const digest = oneOf('options.digest', options.digest ?? 'sha256', digests)
  const endOf = expiryOf(options.expires)
  if (fileName !== undefined) checkText(textArgument('options.fileName', fileName), 'options.fileName')
  checkPrefix(name, prefix)
  const signed = prefix ?? name.object
  return store.pipe(
    map((endpoint) => {
      const { full, fromVersion } = pathInStore(endpoint.prefix, objectPath(name))
      // Swift signs what the path means, not how it is written.
      const folder = decodeURIComponent(fromVersion.slice(0, -encodedLength(name.object)))
      const subject = `${prefix === undefined ? '' : 'prefix:'}${folder}${signed}`
      const end = endOf(api.runtime.scheduler.now())
      const signature = createHmac(digest, key).update(`${method}\n${end}\n${subject}`).digest('hex')
      const parameters = query({
        temp_url_sig: signature,
        temp_url_expires: end,
        temp_url_prefix: prefix,
        filename: fileName,
        inline: inline === true ? true : undefined,
      })
      return `${endpoint.origin}${full}?${parameters}`
    }),
  )
}

function encodedLength(object: string): number {
  return object.split('/').map(encodeBytes).join('/').length
}

function checkPrefix({ object }: ObjectName, prefix: string | undefined): void {
  if (prefix === undefined) return
  checkText(prefix, 'options.prefix')
  if (!object.startsWith(prefix))
    throw new TypeError('options.prefix: the name of the target does not begin like this')
}

/** Seconds since the epoch, at a moment in milliseconds since the epoch. */
function expiryOf(expires: Date | number): (now: number) => number {
  if (typeof expires === 'number') {
    if (!(expires > 0 && Number.isFinite(expires))) {
      throw new TypeError('options.expires: expected a Date, or a number of seconds from now')
    }
    return (now) => Math.ceil(now / 1000 + expires)
  }
  const end = secondsOf(expires, 'options.expires')
  return () => end
}

/** Sets the key that temporary addresses are signed with, or removes it. Never in an error or an event. */
export function setTemporaryUrlKey(
  api: Api,
  key: string | null,
  { container, slot = 1, ...options }: TemporaryUrlKeyOptions = {},
): Observable<void> {
  if (![1, 2].includes(slot)) throw new TypeError('options.slot: expected 1 or 2')
  const kind = container === undefined ? 'account' : 'container'
  const name = `${kind}-meta-temp-url-key${slot === 1 ? '' : '-2'}`
  const change =
    key === null
      ? { headers: { [`x-remove-${name}`]: 'true' } }
      : { headers: { [`x-${name}`]: keyOf(key, 'key') }, secrets: [key] }
  return container === undefined
    ? call(api, postSwiftAccount, change, options)
    : call(
        api,
        postSwiftContainer,
        { name: containerName(container, 'options.container'), ...change },
        options,
      )
}

/** The key, if a header can hold it; it is not in the error. */
function keyOf(key: unknown, argument: string): string {
  if (typeof key === 'string' && /^[!-~](?:[ -~]*[!-~])?$/.test(key)) return key
  throw new TypeError(`${argument}: expected printable ASCII without spaces at its ends`)
}
