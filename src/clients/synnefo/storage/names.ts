import { segment } from '../../../http/codecs.js'
import { OWN_ACCOUNT } from '../identity.js'

/** A container of the user's own account by its name, or of any account. */
export type ContainerTarget = string | ContainerName
export interface ContainerName {
  /** UUID of the user it belongs to. Default: the user of the token. */
  readonly account?: string
  readonly container: string
}

/** `'container/path'`, split at the first `/`; or the parts, for a container of another account. */
export type ObjectTarget = string | ObjectName
export interface ObjectName extends ContainerName {
  readonly object: string
}

/** Reads a target; throws a `TypeError` that names the argument if it does not name a container. */
export function containerName(target: ContainerTarget, argument: string): ContainerName {
  const name: ContainerName = typeof target === 'string' ? { container: target } : target
  checkPart(name.container, argument, 'container')
  if (name.container === '.' || name.container === '..') {
    throw new TypeError(`${argument}: a container of that name cannot be addressed`)
  }
  if (name.container.includes('/')) throw new TypeError(`${argument}: the name of a container has no '/'`)
  if (name.account !== undefined) checkPart(name.account, argument, 'account')
  return name
}

/** Reads a target; throws a `TypeError` that names the argument if it does not name an object. */
export function objectName(target: ObjectTarget, argument: string): ObjectName {
  const name = typeof target === 'string' ? splitTarget(target, argument) : target
  containerName(name, argument)
  checkPart(name.object, argument, 'object')
  return name
}

function splitTarget(target: string, argument: string): ObjectName {
  const slash = target.indexOf('/')
  if (slash < 0) throw new TypeError(`${argument}: expected 'container/path', but there is no '/'`)
  return { container: target.slice(0, slash), object: target.slice(slash + 1) }
}

/** A surrogate without its other half, which no encoding can hold. */
const halfCharacter = /\p{Surrogate}/u

function checkPart(part: unknown, argument: string, what: string): void {
  if (typeof part !== 'string' || part === '') {
    throw new TypeError(`${argument}: the ${what} must be a string that is not empty`)
  }
  if (halfCharacter.test(part))
    throw new TypeError(`${argument}: the ${what} is no text: half a character is in it`)
}

/** Throws a `TypeError` that names the argument if it is neither absent nor text that can be encoded. */
export function checkText(value: unknown, argument: string): void {
  if (value === undefined || (typeof value === 'string' && !halfCharacter.test(value))) return
  throw new TypeError(`${argument}: expected a string`)
}

/** How an object is called in messages and checkpoints. */
export function labelOf({ account, container, object }: ObjectName): string {
  const path = `${container}/${object}`
  return account === undefined ? path : `${account}/${path}`
}

// --- paths (pithos dossier 2, 4.3) --------------------------------------------------------------------------

export function accountPath(account?: string): string {
  return `/${account === undefined ? OWN_ACCOUNT : segment(account)}`
}

export function containerPath({ account, container }: ContainerName): string {
  return `${accountPath(account)}/${segment(container)}`
}

/** Every byte but the unreserved ones is encoded; slashes, dots and empty segments are part of the name and stay. */
export function objectPath(name: ObjectName): string {
  return `${containerPath(name)}/${encodePath(name.object)}`
}

function encodePath(path: string): string {
  return path.split('/').map(encodeBytes).join('/')
}

/** All but the unreserved characters. Unlike a segment of a path of ours, it may be empty or consist of dots. */
export function encodeBytes(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

// --- headers (pithos dossier 4.3) ---------------------------------------------------------------------------

/** What a header cannot hold as it is: all but printable ASCII, the sign of the encoding, and spaces that would be trimmed. */
const unsafe = /[^\x20-\x24\x26-\x7e]+|^ +| +$/gu

export function encodeHeader(value: string): string {
  return value.replaceAll(unsafe, encodeURIComponent)
}

/** The value as it was meant; as it came, if it is not encoded well. */
export function decodeHeader(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

/** Headers that set metadata of an account, a container or an object. */
export function metadataHeaders(
  kind: 'account' | 'container' | 'object',
  metadata: Readonly<Record<string, string>>,
  argument: string,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => {
      if (name === '') throw new TypeError(`${argument}: a name is empty`)
      if (typeof value !== 'string' || halfCharacter.test(name + value)) {
        throw new TypeError(`${argument}.${name}: expected a string`)
      }
      refuseTilde(value, `${argument}.${name}`)
      return [`x-${kind}-meta-${encodeBytes(name)}`, encodeHeader(value)]
    }),
  )
}

/** The server takes it out of values, however it is written (pithos dossier 4.3). */
export function refuseTilde(value: string, argument: string): void {
  if (value.includes('~')) throw new TypeError(`${argument}: the server cannot keep a '~'`)
}

/** An object of the account that a request is for, in a header: a path whose every byte but the unreserved ones is encoded. */
export function headerPath({ container, object }: ObjectName): string {
  return `/${segment(container)}/${encodePath(object)}`
}

/** An entity tag for a condition, in quotes; `*` is none and stays. */
export function quoteTag(tag: string): string {
  return tag === '*' || tag.endsWith('"') ? tag : `"${tag}"`
}

/** The address of bytes, both ends included. */
export function byteRange(offset: number, length: number): string {
  return `bytes=${offset}-${offset + length - 1}`
}
