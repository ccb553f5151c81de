import type { IncomingMessage, ServerResponse } from 'node:http'
import { serveHttp, type Loopback } from '../../http/loopback.js'
import { COOKIE } from './sessions.js'

/** What must be in no error: it stands in the text, and in an attribute, of every document. */
export const SECRET = 'hunter2-of-jane'
export const TOKEN = 'eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl'

export type DocumentKind = 'list' | 'run' | 'user'
export const documentKinds: readonly DocumentKind[] = ['list', 'run', 'user']

/** Documents as they should be, around what is put into them. */
const documents: Readonly<Record<DocumentKind, (within: string, attributes?: string) => string>> = {
  list: (within, attributes = '') =>
    `<runs offset="0" limit="20" count="1" totalCount="1"${attributes}>${within}<item uuid="1" status="Ready" password="${SECRET}" tags="café"/></runs>`,
  run: (within, attributes = '') =>
    `<run uuid="1" state="Ready" password="${SECRET}" user="café"${attributes}><runtimeParameters>${within}<entry><string>machine:password</string><runtimeParameter key="machine:password">${SECRET}</runtimeParameter></entry></runtimeParameters></run>`,
  user: (within, attributes = '') =>
    `<user name="jane" password="${SECRET}" organization="café"${attributes}><parameters>${within}<entry><string>c1.password</string><parameter name="c1.password"><value>${SECRET}</value></parameter></entry></parameters></user>`,
}
export const documentOf = (kind: DocumentKind, within = '', attributes = ''): string =>
  documents[kind](within, attributes)

export interface Attack {
  /** Content type. */
  readonly type: string
  readonly status?: number
  /** Nothing: it never ends. */
  readonly body: (kind: DocumentKind, origin: string) => string | Buffer | undefined
}

const declared = (encoding: string): string => `<?xml version="1.0" encoding="${encoding}"?>`
const xmlType = 'application/xml'
const page = `<!DOCTYPE html><html><body>Sign in: password=${SECRET}</body></html>`
const bomb = Array.from(
  { length: 10 },
  (_, level) => `<!ENTITY l${String(level + 1)} "${`&l${String(level)};`.repeat(10)}">`,
).join('')

/** By the first segment of the path that they are asked for at. */
export const attacks = {
  'billion-laughs': {
    type: xmlType,
    body: (kind) => `<!DOCTYPE x [<!ENTITY l0 "lol">${bomb}]>${documentOf(kind, '&l10;')}`,
  },
  'external-entity': {
    type: xmlType,
    body: (kind, origin) =>
      `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "${origin}/stolen"><!ENTITY f SYSTEM "file:///etc/passwd">]>${documentOf(kind, '&e;&f;')}`,
  },
  'external-subset': {
    type: xmlType,
    body: (kind, origin) => `<!doctype x SYSTEM "${origin}/stolen">${documentOf(kind)}`,
  },
  'unknown-entity': { type: xmlType, body: (kind) => documentOf(kind, '&unknown;') },
  'utf-16-undeclared': { type: xmlType, body: (kind) => Buffer.from(documentOf(kind), 'utf16le') },
  'latin-1-undeclared': { type: xmlType, body: (kind) => Buffer.from(documentOf(kind), 'latin1') },
  'two-encodings': {
    type: `${xmlType}; charset=utf-8`,
    body: (kind) => Buffer.from(declared('ISO-8859-1') + documentOf(kind), 'latin1'),
  },
  'no-such-encoding': { type: xmlType, body: (kind) => declared('klingon') + documentOf(kind) },
  html: { type: 'text/html', body: () => page },
  'html-as-xml': { type: xmlType, body: () => page },
  json: { type: 'application/json', body: () => JSON.stringify({ password: SECRET }) },
  binary: { type: 'application/octet-stream', body: () => Buffer.alloc(10_000, 0x1f) },
  empty: { type: xmlType, body: () => '' },
  truncated: { type: xmlType, body: (kind) => documentOf(kind).slice(0, -10) },
  'truncated-in-tag': { type: xmlType, body: (kind) => documentOf(kind).replace(/="café[^]*/, '="ca') },
  'two-roots': { type: xmlType, body: (kind) => documentOf(kind) + documentOf(kind) },
  crossed: { type: xmlType, body: (kind) => documentOf(kind, '<a><b></a></b>') },
  'wrong-root': { type: xmlType, body: () => `<vms password="${SECRET}">${SECRET}</vms>` },
  'control-character': { type: xmlType, body: (kind) => documentOf(kind, '\u0001') },
  deep: { type: xmlType, body: (kind) => documentOf(kind, '<a>'.repeat((10 * 2 ** 20) / 3)) },
  'deep-and-closed': {
    type: xmlType,
    body: (kind) => documentOf(kind, '<a>'.repeat(1_000_000) + '</a>'.repeat(1_000_000)),
  },
  'million-attributes': {
    type: xmlType,
    body: (kind) =>
      documentOf(kind, '', Array.from({ length: 1_000_000 }, (_, index) => ` a${String(index)}=""`).join('')),
  },
  'million-elements': { type: xmlType, body: (kind) => documentOf(kind, '<a/>'.repeat(1_100_000)) },
  'unclosed-quote': { type: xmlType, body: (kind) => documentOf(kind, `<a b="${'<'.repeat(5_000_000)}`) },
  'half-comments': { type: xmlType, body: (kind) => documentOf(kind, '<!-- '.repeat(1_000_000)) },
  large: { type: xmlType, body: (kind) => documentOf(kind, ' '.repeat(20 * 2 ** 20)) },
  endless: { type: xmlType, body: () => undefined },
} satisfies Readonly<Record<string, Attack>>
export type AttackName = keyof typeof attacks

/** A server that lets everybody in and answers with an attack: `/billion-laughs/run/1`. */
export function serveAttacks(others: Readonly<Record<string, Attack>> = {}): Promise<Loopback> {
  const all: Readonly<Record<string, Attack>> = { ...attacks, ...others }
  return serveHttp((request, response) => {
    const [, name = '', ...rest] = (request.url ?? '').split(/[/?]/)
    const attack = all[name]
    if (rest[0] === 'api') letIn(response)
    else if (attack === undefined) response.writeHead(404).end()
    else {
      const origin = `http://${String(request.headers.host)}`
      const body = attack.body(kindOf(request), origin)
      response.writeHead(attack.status ?? 200, { 'content-type': attack.type })
      if (body === undefined) pour(response)
      else response.end(body)
    }
  })
}

function letIn(response: ServerResponse): void {
  const cookie = `${COOKIE}=token=${TOKEN};Path=/`
  response.writeHead(201, { 'content-type': 'application/json', 'set-cookie': cookie })
  response.end('{"status":201,"message":"session/1 created","resource-id":"session/1"}')
}

function kindOf({ url = '' }: IncomingMessage): DocumentKind {
  if (url.includes('/user/')) return 'user'
  return url.includes('/run/') ? 'run' : 'list'
}

/** As fast as the other side reads, until it leaves. */
function pour(response: ServerResponse): void {
  const chunk = Buffer.alloc(2 ** 18, '<a/>')
  const more = (): void => {
    while (!response.destroyed && response.write(chunk));
  }
  response.write('<runs>')
  response.on('drain', more)
  more()
}
