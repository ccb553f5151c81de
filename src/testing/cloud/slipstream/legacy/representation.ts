import type { OutgoingHttpHeaders } from 'node:http'
import type { Exchange } from '../../service.js'
import { describeFault, faultElement, LegacyFault } from './failure.js'
import { xmlToJson } from './xml-json.js'
import { element, writeXml, type XmlElement } from './xml-writer.js'

/** In the order of preference of a server that is asked for anything: a page first (slipstream dossier 6). */
const MEDIA = ['html', 'xml', 'json', 'text'] as const
export type Media = (typeof MEDIA)[number]

const TYPES: Readonly<Record<Media, readonly string[]>> = {
  html: ['text/html', 'application/xhtml+xml'],
  xml: ['application/xml', 'text/xml'],
  json: ['application/json'],
  text: ['text/plain'],
}
const CONTENT_TYPES: Readonly<Record<Media, string>> = {
  html: 'text/html;charset=UTF-8',
  xml: 'application/xml;charset=UTF-8',
  json: 'application/json;charset=UTF-8',
  text: 'text/plain;charset=UTF-8',
}

/** What the client likes best of that which is offered; undefined when it takes none of it. */
export function preferredMedia(exchange: Exchange, offered: readonly Media[]): Media | undefined {
  const asked = exchange.query.get('media')
  if (asked !== null) return offered.find((media) => media === asked)
  const ranges = readAccept(exchange.headers.accept)
  let best: { readonly media: Media; readonly quality: number; readonly position: number } | undefined
  for (const media of MEDIA) {
    if (!offered.includes(media)) continue
    const range = ranges.find(({ range: wanted }) => TYPES[media].some((type) => covers(wanted, type)))
    if (range === undefined || range.quality <= 0) continue
    const better =
      best === undefined ||
      range.quality > best.quality ||
      (range.quality === best.quality && range.position < best.position)
    if (better) best = { media, quality: range.quality, position: range.position }
  }
  return best?.media
}

interface Range {
  readonly range: string
  readonly quality: number
  readonly position: number
}

/** Exact types first, so that the most specific range decides about a type. */
function readAccept(accept = '*/*'): readonly Range[] {
  return accept
    .split(',')
    .map((item, position) => {
      const [range = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase())
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
      const quality = weight === undefined ? 1 : Number(weight)
      return { range, quality: Number.isNaN(quality) ? 0 : quality, position }
    })
    .sort((left, right) => wildness(left.range) - wildness(right.range))
}

const wildness = (range: string): number => (range === '*/*' ? 2 : range.endsWith('/*') ? 1 : 0)

function covers(range: string, type: string): boolean {
  return range === type || range === '*/*' || (range.endsWith('/*') && type.startsWith(range.slice(0, -1)))
}

/** Answers with a document in the form that the client asks for. */
export function sendDocument(
  exchange: Exchange,
  root: XmlElement,
  offered: readonly Media[] = ['html', 'xml'],
): void {
  const media = preferredMedia(exchange, offered)
  if (media === undefined) throw new LegacyFault(406, 'None of the acceptable representations is available')
  const body =
    media === 'json'
      ? JSON.stringify(xmlToJson(root), undefined, 2)
      : media === 'xml'
        ? writeXml(root)
        : page(root.name, writeXml(root))
  exchange.send(200, { 'Content-Type': CONTENT_TYPES[media] }, body)
}

export function sendText(exchange: Exchange, status: number, text: string): void {
  exchange.send(status, { 'Content-Type': CONTENT_TYPES.text }, text)
}

export function sendPage(exchange: Exchange, title: string, text: string): void {
  exchange.send(200, { 'Content-Type': CONTENT_TYPES.html }, page(title, text))
}

export function sendFault(exchange: Exchange, fault: LegacyFault): void {
  const media = preferredMedia(exchange, MEDIA) ?? 'html'
  const headers: OutgoingHttpHeaders = { ...fault.headers, 'Content-Type': CONTENT_TYPES[media] }
  exchange.send(fault.status, headers, faultBody(fault, media))
}

function faultBody(fault: LegacyFault, media: Media): string {
  const text = describeFault(fault)
  switch (media) {
    case 'xml':
      return writeXml(faultElement(fault))
    case 'json':
      return JSON.stringify({ error: text })
    case 'text':
      return `${text.code} - ${text.reason}\n${text.detail}`
    case 'html':
      return page(`${text.code} - ${text.reason}`, text.detail)
  }
}

function page(title: string, text: string): string {
  const body = [element('h1', {}, [title]), element('pre', {}, [text])]
  const html = element('html', {}, [
    element('head', {}, [element('title', {}, [title])]),
    element('body', {}, body),
  ])
  return `<!DOCTYPE html>\n${writeXml(html)}\n`
}
