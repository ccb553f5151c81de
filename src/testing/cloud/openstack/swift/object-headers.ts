import { refused, SwiftFailure } from './failure.js'
import { readMetadata } from './metadata.js'
import type { SwiftRequest } from './request.js'

/** What a PUT or a POST says about an object beside its bytes. */
export interface ObjectHeaders {
  readonly headers: ReadonlyMap<string, string>
  /** Seconds since the epoch. */
  readonly deleteAt?: number
}

const KEPT = [
  'Content-Language',
  'Content-Disposition',
  'Cache-Control',
  'Content-Encoding',
  'X-Robots-Tag',
  'Expires',
]

export function readObjectHeaders(request: SwiftRequest): ObjectHeaders {
  const manifest = readManifestHeader(request)
  const headers = readMetadata(request.headers, 'Object', request.region.info)
  if (manifest !== undefined) headers.set('X-Object-Manifest', manifest)
  for (const name of KEPT) {
    const value = request.headers.get(name)
    if (value !== undefined && value !== '') headers.set(name, value)
  }
  const deleteAt = readDeleteAt(request)
  return { headers, ...(deleteAt === undefined ? {} : { deleteAt }) }
}

/** A POST takes any, also one that makes the object unreadable, and takes the manifest away when it has none. */
function readManifestHeader({ method, headers }: SwiftRequest): string | undefined {
  const manifest = headers.get('X-Object-Manifest')
  if (manifest === undefined || method === 'POST') return manifest
  if (!/^[^/?&]+\/[^/?&][^?&]*$/.test(manifest)) {
    throw new SwiftFailure(400, 'X-Object-Manifest must be in the format container/prefix')
  }
  return manifest
}

function readDeleteAt(request: SwiftRequest): number | undefined {
  const now = request.region.wallNow() / 1000
  const after = wholeNumber(request, 'X-Delete-After')
  if (after !== undefined) {
    if (after <= 0) throw refused(400, 'X-Delete-After in past')
    return Math.floor(now) + after
  }
  const at = wholeNumber(request, 'X-Delete-At')
  if (at !== undefined && at < now) throw refused(400, 'X-Delete-At in past')
  return at
}

function wholeNumber(request: SwiftRequest, header: string): number | undefined {
  const text = request.headers.get(header)
  if (text === undefined || text === '') return undefined
  if (!/^-?\d+$/.test(text)) throw refused(400, `Non-integer ${header}`)
  return Number(text)
}
