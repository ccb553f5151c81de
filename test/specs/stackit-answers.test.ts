import { lastValueFrom } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  AuthenticationError,
  ConflictError,
  HttpError,
  NotFoundError,
  PermissionError,
  RateLimitError,
  ResponseFormatError,
  ServerError,
  ValidationError,
} from '../../src/errors.js'
import { describeWithDocuments } from '../api-documents.js'
import { argumentsFor, configured } from './arguments.js'
import {
  failuresOf,
  object,
  successesOf,
  type Json,
  type SpecContent,
  type SpecDocument,
  type SpecOperation,
} from './open-api.js'
import {
  definitions,
  keyOf,
  methodNameOf,
  recordedClient,
  titledDocuments,
  titledOperations,
  type WireAnswer,
} from './stackit-services.js'
import { valuesOf, type Values } from './values.js'

// Every answer of every operation that its document tells of, as the generated method reads it.

// Nobody logs in, so that a 401 is an error and nothing else.
const client = recordedClient({ anonymous: true, strict: true, ...configured })
const tolerant = recordedClient({ anonymous: true, ...configured })

const bytes = Buffer.from([0, 255, 1, 254, 10, 13])
const text = 'name;wörth\nü;1\n'

function wire(status: number, type: string | undefined, body: string | Uint8Array): WireAnswer {
  return { status, headers: type === undefined ? {} : { 'content-type': type }, body: Buffer.from(body) }
}

function answered(
  by: typeof client,
  document: SpecDocument,
  operation: SpecOperation,
  answer: WireAnswer,
): Promise<unknown> {
  const args = argumentsFor(operation, valuesOf(document), { side: 'request', all: false, turn: 0 })
  by.answer = answer
  return lastValueFrom(by.methodOf(document, operation)(args))
}

const isJson = (type: string): boolean => type.includes('json') || type === '*/*'

/** Every alternative of what the schema allows, without and with what may be left out. */
function examples(values: Values, schema: Json): readonly unknown[] {
  const turns = Math.max(2, values.turns(schema))
  return [false, true].flatMap((all) =>
    Array.from({ length: turns }, (_, turn) => values.of(schema, { side: 'answer', all, turn })),
  )
}

/** All of a value is to be read where it stood, be it a secret that is not shown by itself. */
function expectAll(found: unknown, value: unknown, place = 'body'): void {
  if (typeof value !== 'object' || value === null) {
    expect(found, place).toBe(value)
    return
  }
  expect(typeof found, place).toBe('object')
  if (Array.isArray(value)) expect((found as readonly unknown[]).length, place).toBe(value.length)
  for (const [name, inner] of Object.entries(value)) {
    expectAll((found as Json)[name], inner, `${place}.${name}`)
  }
}

describeWithDocuments('answers', () => {
  describe.each(titledDocuments)('of %s', (_key, document) => {
    const values = valuesOf(document)

    it.each(titledOperations(document))('%s', async (_id, operation) => {
      const successes = successesOf(operation)
      expect(successes).not.toEqual([])
      for (const [status, content] of successes) {
        if (content.size === 0) {
          // Whatever the header says (stackit dossier 5).
          const empty = wire(status, 'application/json', '')
          expect(await answered(client, document, operation, empty)).toBeUndefined()
        }
        for (const [type, schema] of content) {
          if (isJson(type)) await expectJson(operation, status, type, schema)
          else if (type.startsWith('text/')) {
            expect(await answered(client, document, operation, wire(status, type, text))).toBe(text)
          } else {
            expect(await answered(client, document, operation, wire(status, type, bytes))).toEqual(bytes)
          }
        }
        const isEmpty = await answered(tolerant, document, operation, wire(status, undefined, ''))
        expect(isEmpty).toBeUndefined()
      }
    })

    async function expectJson(
      operation: SpecOperation,
      status: number,
      type: string,
      schema: Json,
    ): Promise<void> {
      for (const value of examples(values, schema)) {
        const answer = wire(status, `${type}; charset=utf-8`, JSON.stringify(value))
        expectAll(await answered(client, document, operation, answer), value)
      }
      const kind = values.flat(schema)['type']
      const other = wire(status, type, kind === 'string' ? '17' : '"a text"')
      if (kind !== undefined) {
        await expect(answered(client, document, operation, other)).rejects.toBeInstanceOf(ResponseFormatError)
        await expect(answered(tolerant, document, operation, other)).resolves.toBeDefined()
      }
    }
  })
})

// --- errors ---------------------------------------------------------------------------------------------------

function classOf(status: number): new (...args: never[]) => HttpError {
  const known: Readonly<Record<number, new (...args: never[]) => HttpError>> = {
    400: ValidationError,
    401: AuthenticationError,
    403: PermissionError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    412: ConflictError,
    422: ValidationError,
    429: RateLimitError,
  }
  return known[status] ?? (status >= 500 ? ServerError : HttpError)
}

/** Where the words of an error stand, first ones first (stackit dossier 6). */
function wordsIn(body: Json): string | undefined {
  const inner = object(body['error'])
  const details = Array.isArray(body['detail']) ? object(body['detail'][0])['msg'] : body['detail']
  const places = [
    body['message'],
    body['msg'],
    details,
    body['description'],
    inner['message'],
    body['error'],
    body['title'],
  ]
  return places.find((words): words is string => typeof words === 'string' && words !== '')
}

/** Where secrets may be, a text is not shown: nothing tells them apart from other words. */
function textIn(document: SpecDocument, operation: SpecOperation, body: string): string {
  const row = definitions[keyOf(document)]?.operations[methodNameOf(document, operation)]
  return row?.secret === undefined ? body : `${String(body.length)} bytes that may hold a secret`
}

async function failure(
  document: SpecDocument,
  operation: SpecOperation,
  answer: WireAnswer,
): Promise<HttpError> {
  const error: unknown = await answered(client, document, operation, answer).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(classOf(answer.status))
  expect(error).toMatchObject({ status: answer.status, cloud: 'stackit' })
  return error as HttpError
}

function bodiesOf(values: Values, content: SpecContent): readonly (readonly [type: string, body: unknown])[] {
  return [...content].flatMap(([type, schema]) =>
    isJson(type)
      ? examples(values, schema).map((value) => [type, value] as const)
      : [[type, 'Jwt is missing'] as const],
  )
}

describeWithDocuments('errors', () => {
  describe.each(titledDocuments)('of %s', (_key, document) => {
    const values = valuesOf(document)

    it.each(titledOperations(document))('%s', async (_id, operation) => {
      for (const [status, content] of failuresOf(operation)) {
        const bare = await failure(document, operation, wire(status, undefined, ''))
        expect(bare.message).toMatch(new RegExp(` answered ${String(status)}$`))
        for (const [type, body] of bodiesOf(values, content)) {
          const sent = isJson(type) ? JSON.stringify(body) : String(body)
          const { reason, message } = await failure(document, operation, wire(status, type, sent))
          const words = isJson(type) ? wordsIn(object(body)) : textIn(document, operation, String(body))
          if (words === undefined) continue
          expect(reason, sent).toContain(words)
          expect(message).toContain(words)
        }
      }
    })
  })
})
