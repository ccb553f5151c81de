import type { OutgoingHttpHeaders } from 'node:http'
import { dynamicParts, lengthOfParts, ownPart, staticParts, textPart, type Part } from './parts.js'
import type { SwiftRequest } from './request.js'
import { etagOfSegments, manifestJson, md5, rawManifestJson } from './slo-manifest.js'
import { asHeaders } from './reply.js'
import type { StoredObject } from './state.js'
import { asEpoch, asHttpDate } from './timestamps.js'

/** An object as a request sees it: itself, its manifest, or what the manifest puts together. */
export interface Representation {
  readonly kind: 'own' | 'static' | 'dynamic' | 'manifest'
  readonly parts: readonly Part[]
  readonly length: number
  /** Without quotes. */
  readonly etag: string
  readonly contentType: string
  /** All but those of the body. */
  readonly headers: OutgoingHttpHeaders
}

export function represent(request: SwiftRequest, account: string, object: StoredObject): Representation {
  const asManifest = request.query.get('multipart-manifest') === 'get'
  const { segments, contentType, bytes } = object
  const show = (
    kind: Representation['kind'],
    parts: readonly Part[],
    etag: string,
    more: { readonly contentType?: string; readonly headers?: OutgoingHttpHeaders } = {},
  ): Representation => {
    const quoted = kind === 'static' || kind === 'dynamic'
    return {
      kind,
      parts,
      length: lengthOfParts(parts),
      etag,
      contentType: more.contentType ?? contentType,
      headers: {
        ...storedHeaders(object),
        ...(segments === undefined ? {} : { 'X-Static-Large-Object': 'True' }),
        Etag: quoted ? `"${etag}"` : etag,
        'Last-Modified': asHttpDate(object.time),
        'X-Timestamp': asEpoch(object.time),
        ...more.headers,
      },
    }
  }
  if (segments !== undefined) {
    if (!asManifest) {
      const headers = { 'X-Manifest-Etag': bytes.md5 }
      return show('static', staticParts(request, account, segments), etagOfSegments(segments), { headers })
    }
    const raw = request.query.get('format') === 'raw'
    const text = raw ? rawManifestJson(segments) : manifestJson(segments)
    const type = raw ? {} : { contentType: 'application/json; charset=utf-8' }
    return show('manifest', [textPart(Buffer.from(text))], md5(text), type)
  }
  const manifest = object.headers.get('X-Object-Manifest')
  if (manifest === undefined || asManifest) return show('own', [ownPart(object)], bytes.md5)
  const { parts, etag } = dynamicParts(request, account, manifest)
  return show('dynamic', parts, etag)
}

export function storedHeaders(object: StoredObject): OutgoingHttpHeaders {
  const { headers, deleteAt } = object
  return { ...asHeaders(headers), ...(deleteAt === undefined ? {} : { 'X-Delete-At': deleteAt }) }
}
