// Bad answers of the older side, over real connections: documents that want to harm, and pages that are none.
import { execFile } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { inspect, promisify } from 'node:util'
import { firstValueFrom, lastValueFrom, toArray, type Observable } from 'rxjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSlipstream, type SlipstreamClient } from '../../../src/clients/slipstream/index.js'
import { ResponseFormatError, ServerError } from '../../../src/errors.js'
import { closed, type Loopback } from '../../http/loopback.js'
import { failure } from './sessions.js'
import {
  attacks,
  documentKinds,
  documentOf,
  SECRET,
  serveAttacks,
  TOKEN,
  type Attack,
  type AttackName,
  type DocumentKind,
} from './xml-abuse-answers.js'
import type { AbuseReport } from './xml-abuse-program.js'

const xmlType = 'application/xml'
const declared = (encoding: string): string => `<?xml version="1.0" encoding="${encoding}"?>`

/** What is unusual, and no attack. */
const oddities = {
  'utf-16-declared': {
    type: xmlType,
    body: (kind) => Buffer.from(declared('UTF-16') + documentOf(kind), 'utf16le'),
  },
  'utf-16-by-header': {
    type: `${xmlType}; charset=utf-16le`,
    body: (kind) => Buffer.from(documentOf(kind), 'utf16le'),
  },
  'latin-1-declared': {
    type: xmlType,
    body: (kind) => Buffer.from(declared('ISO-8859-1') + documentOf(kind), 'latin1'),
  },
  'latin-1-by-header': {
    type: 'text/xml; charset="iso-8859-1"',
    body: (kind) => Buffer.from(documentOf(kind), 'latin1'),
  },
  'byte-order-mark': { type: xmlType, body: (kind) => `\ufeff${documentOf(kind)}` },
  'no-type': { type: '', body: (kind) => documentOf(kind) },
  cdata: { type: xmlType, body: (kind) => documentOf(kind, '<![CDATA[<!DOCTYPE x>]]><!-- <!DOCTYPE x> -->') },
  'html-500': { type: 'text/html', status: 500, body: () => `<html><body>password=${SECRET}</body></html>` },
  'xml-500': {
    type: xmlType,
    status: 500,
    body: () => `<!DOCTYPE x><error code="500" detail="it fell over; cookie was token=${TOKEN}">fell</error>`,
  },
  'broken-values': {
    type: xmlType,
    body: (kind) =>
      kind === 'run'
        ? documentOf(
            kind,
            runtimeParameters({
              'web:ids': '1,x',
              'web:multiplicity': 'many',
              'web.1:complete': 'maybe',
              '__proto__:complete': 'true',
            }),
            ' mutable="maybe" deleted="2" __proto__="x"',
          )
        : kind === 'user'
          ? documentOf(
              kind,
              '<entry><string>General.Timeout</string><parameter><value>soon</value></parameter></entry>',
              ' issuper="perhaps" online="1"',
            )
          : documentOf(kind, '<item uuid="2" status="Ready" activeVm="NaN"/>'),
  },
} satisfies Readonly<Record<string, Attack>>

function runtimeParameters(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(
      ([key, value]) =>
        `<entry><string>${key}</string><runtimeParameter key="${key}">${value}</runtimeParameter></entry>`,
    )
    .join('')
}

const operations: Readonly<Record<DocumentKind, string>> = {
  list: 'slipstream.deployments.list',
  run: 'slipstream.deployments.get',
  user: 'slipstream.users.get',
}

let server: Loopback
const clients: SlipstreamClient[] = []
beforeAll(async () => {
  server = await serveAttacks(oddities)
})
afterAll(async () => {
  for (const client of clients) client.close()
  await server.close()
})

function ask(name: AttackName | keyof typeof oddities, kind: DocumentKind): Observable<unknown> {
  const client = createSlipstream({
    endpoint: `${server.origin}/${name}`,
    username: 'jane',
    password: 'secret-of-jane',
    retry: false,
    connection: { proxy: false, maxBodyBytes: 2 ** 25 },
  })
  clients.push(client)
  if (kind === 'list') return client.deployments.list()
  return kind === 'run' ? client.deployments.get('1') : client.users.get('jane')
}

const shown = (value: unknown): string =>
  inspect(value, { depth: 9, showHidden: true }) + JSON.stringify(value)

describe.each(documentKinds)('in place of a %s', (kind) => {
  it.each(Object.keys(attacks) as AttackName[])(
    '%s is a ResponseFormatError that names the operation and tells nothing',
    async (name) => {
      const error = await failure(ask(name, kind))
      expect(error).toBeInstanceOf(ResponseFormatError)
      expect(error).toMatchObject({
        cloud: 'slipstream',
        operation: operations[kind],
        retryable: false,
        attempts: 1,
      })
      expect(error.message.startsWith(`${operations[kind]}: `)).toBe(true)
      expect(error.message.length).toBeLessThan(600)
      const all = shown(error)
      expect(all.length).toBeLessThan(20_000)
      for (const secret of [SECRET, TOKEN, 'secret-of-jane', 'root:x:', '/bin/'])
        expect(all).not.toContain(secret)
    },
    10_000,
  )

  it.each(['html-500', 'xml-500'] as const)('%s is an error by its status', async (name) => {
    const error = await failure(ask(name, kind))
    expect(error).toBeInstanceOf(ServerError)
    expect(error).toMatchObject({ status: 500, operation: operations[kind] })
    expect(error.message.includes('it fell over')).toBe(name === 'xml-500')
    expect(shown(error)).not.toContain(SECRET)
    expect(shown(error)).not.toContain(TOKEN)
  })

  it.each([
    'utf-16-declared',
    'utf-16-by-header',
    'latin-1-declared',
    'latin-1-by-header',
    'byte-order-mark',
    'no-type',
    'cdata',
  ] as const)('%s is read as it is meant', async (name) => {
    expect(JSON.stringify(await firstValueFrom(ask(name, kind)))).toContain('café')
  })
})

it('nothing is fetched that a document names, and nothing is left open', async () => {
  expect(server.seen.filter((request) => request.includes('stolen'))).toEqual([])
  const before = server.sockets.length
  await failure(ask('endless', 'list'))
  for (const socket of server.sockets.slice(before)) if (socket.bytesWritten > 2 ** 20) await closed(socket)
})

it('numbers and flags that are none are left out, and steer nothing', async () => {
  const [, item] = await lastValueFrom(ask('broken-values', 'list').pipe(toArray()))
  expect(item).toMatchObject({ uuid: '1', state: 'Ready' })
  const [odd] = await lastValueFrom(ask('broken-values', 'list').pipe(toArray()))
  expect(odd).toMatchObject({ uuid: '2' })
  expect(odd).not.toHaveProperty('activeVm')

  const run = await firstValueFrom(ask('broken-values', 'run'))
  expect(run).toMatchObject({
    mutable: false,
    nodes: [{ name: 'web', ids: [1] }],
    instances: expect.arrayContaining([
      expect.objectContaining({ name: 'web.1', complete: false }),
    ]) as unknown,
  })
  expect(run).not.toHaveProperty('nodes.0.multiplicity')
  expect(run).not.toHaveProperty('deleted')
  expect(Object.getPrototypeOf({})).toBe(Object.prototype)
  expect({}).not.toHaveProperty('complete')

  const user = await firstValueFrom(ask('broken-values', 'user'))
  expect(user).toMatchObject({ name: 'jane', issuper: false })
  expect(user).not.toHaveProperty('executionTimeout')
  expect(user).not.toHaveProperty('online')
})

it('all of it together fits into little memory', async () => {
  const program = fileURLToPath(new URL('./xml-abuse-program.ts', import.meta.url))
  const tsx = pathToFileURL(
    fileURLToPath(new URL('../../../node_modules/tsx/dist/loader.mjs', import.meta.url)),
  ).href
  const names = Object.keys(attacks)
  // What is held of an endless body is not on this heap, but it counts below.
  const args = ['--max-old-space-size=96', '--import', tsx, program, server.origin, ...names]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const report = JSON.parse(stdout) as AbuseReport
  expect(report.errors).toEqual(Object.fromEntries(names.map((name) => [name, 'ResponseFormatError'])))
  expect(report.residentBytes).toBeLessThan(400 * 2 ** 20)
}, 30_000)
