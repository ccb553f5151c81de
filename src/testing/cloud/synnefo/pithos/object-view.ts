import { createHash } from 'node:crypto'
import { readContent, type Content, type Span } from './content.js'
import { notFound } from './failure.js'
import { objectNames } from './listing.js'
import { accessTo } from './sharing.js'
import { latest, type Container, type State, type Version } from './state.js'

/** One version of an object as it is read: a manifest shows the objects it names, one after the other. */
export interface View {
  readonly container: Container
  readonly name: string
  readonly version: Version
  /** Whether a version was asked for by its number. */
  readonly pinned: boolean
  readonly etag: string
  readonly bytes: number
  readonly parts: readonly Content[]
}

/** The newest version, or the one with the given number; for `reader` see {@link manifestParts}. */
export function viewObject(
  state: State,
  container: Container,
  name: string,
  serial: string | null,
  reader: string,
): View {
  const version = serial === null ? latest(container.objects.get(name)) : versionOf(container, name, serial)
  if (!version) throw notFound(serial === null ? 'Object does not exist' : 'Version does not exist')
  const base = { container, name, version, pinned: serial !== null }
  const { manifest } = version.attributes
  if (manifest === undefined) {
    return { ...base, etag: entityTag(state, version), bytes: version.bytes, parts: [version] }
  }
  const parts = manifestParts(state, container, name, manifest, reader)
  return {
    ...base,
    etag: state.updateMd5
      ? md5Of(parts.map(({ md5 }) => md5).join(''))
      : version.hashing.root(parts.map(({ root }) => root)),
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    parts,
  }
}

export function entityTag(state: State, { md5, root }: Version): string {
  return state.updateMd5 ? md5 : root
}

export function versionOf(container: Container, name: string, serial: string): Version | undefined {
  if (!/^\d+$/.test(serial)) return undefined
  const found = container.objects.get(name)?.versions.find((version) => version.serial === Number(serial))
  return found?.deleted === true ? undefined : found
}

/** The bytes of a span. */
export async function* readView(
  state: State,
  view: View,
  span: Span,
): AsyncGenerator<Uint8Array, void, undefined> {
  let before = 0
  for (const part of view.parts) {
    const start = Math.max(span.start - before, 0)
    const end = Math.min(span.end - before, part.bytes)
    if (start < end) yield* readContent(state.blocks, part, { start, end })
    before += part.bytes
  }
}

/** The objects that a manifest (`container/prefix`) names, as far as `reader` may read them. */
function manifestParts(
  state: State,
  { account }: Container,
  self: string,
  manifest: string,
  reader: string,
): readonly Version[] {
  const slash = manifest.indexOf('/')
  const container = account.containers.get(slash < 0 ? manifest : manifest.slice(0, slash))
  if (!container || slash < 0) return []
  const prefix = manifest.slice(slash + 1)
  return objectNames(container).flatMap((name) => {
    const version = name.startsWith(prefix) && name !== self ? latest(container.objects.get(name)) : undefined
    if (version?.attributes.manifest !== undefined || !version) return []
    return reader === account.id || accessTo(state, reader, container, name) ? [version] : []
  })
}

function md5Of(text: string): string {
  return createHash('md5').update(text).digest('hex')
}
