import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { stackitSpecs } from '../../api-documents.js'

// The API documents themselves, read anew: what the embedded cloud answers is held against them, not against what its own
// reader made of them.

export type Raw = Readonly<Record<string, unknown>>

export interface RawOperation {
  readonly service: string
  readonly version: string
  readonly id: string
  readonly method: string
  readonly path: string
  readonly parameters: readonly Raw[]
  readonly body:
    { readonly required: boolean; readonly types: readonly string[]; readonly schema: Raw } | undefined
  /** By status; without content where there is none. */
  readonly answers: ReadonlyMap<
    number,
    { readonly types: readonly string[]; readonly schema: Raw | undefined }
  >
  readonly errors: ReadonlyMap<
    string,
    { readonly types: readonly string[]; readonly schema: Raw | undefined }
  >
  /** A JSON schema that stands alone: of what is sent, or of what is answered. */
  whole(schema: Raw, isSent: boolean): Raw
}

export interface RawWaiter {
  readonly service: string
  readonly version: string
  readonly name: string
  readonly kind: string
  readonly poll: readonly { readonly operationId: string; readonly method: string; readonly path: string }[]
  readonly stateField: string | null
  readonly success: readonly string[]
  readonly failure: readonly string[]
  readonly goneStatuses: readonly number[]
}

export interface RawDocument {
  readonly service: string
  readonly version: string
  readonly isDefault: boolean
  readonly operations: readonly RawOperation[]
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(join(stackitSpecs, file), 'utf8'))
}

export function readWaiters(): readonly RawWaiter[] {
  return readJson('waiters.json') as RawWaiter[]
}

export function readDocuments(): readonly RawDocument[] {
  const rows = readJson('index.json') as {
    service: string
    version: string
    file: string
    default: boolean
  }[]
  return rows.map(({ service, version, file, default: isDefault }) => ({
    service,
    version,
    isDefault,
    operations: readOperations(service, version, readJson(file) as Raw),
  }))
}

const record = (value: unknown): Raw => (typeof value === 'object' && value !== null ? (value as Raw) : {})

function readOperations(service: string, version: string, document: Raw): readonly RawOperation[] {
  const components = record(document['components'])
  const deref = (value: unknown): Raw => {
    const { $ref } = record(value)
    if (typeof $ref !== 'string') return record(value)
    const [, , group = '', name = ''] = $ref.split('/')
    return deref(record(components[group])[name])
  }
  const deep = (property: unknown): Raw => {
    const raw = deref(property)
    const [only, ...more] = Array.isArray(raw['allOf']) ? (raw['allOf'] as unknown[]) : []
    return only === undefined || more.length > 0 ? raw : { ...deref(only), ...raw }
  }
  const readers = { sent: jsonSchema(deep, 'readOnly'), answered: jsonSchema(deep, 'writeOnly') }
  const definitions = {
    sent: readers.sent(components['schemas'], true),
    answered: readers.answered(components['schemas'], true),
  }
  const whole = (schema: Raw, isSent: boolean): Raw => {
    const way = isSent ? 'sent' : 'answered'
    return { ...(readers[way](schema) as Raw), $defs: definitions[way] }
  }
  return Object.entries(record(document['paths'])).flatMap(([path, item]) =>
    ['get', 'put', 'post', 'delete', 'patch'].flatMap((method) => {
      const operation = record(item)[method]
      if (operation === undefined) return []
      const raw = record(operation)
      const lists = [record(item)['parameters'], raw['parameters']].flatMap((list) =>
        Array.isArray(list) ? (list as unknown[]) : [],
      )
      const parameters = new Map(
        lists.map(deref).map((one) => [`${String(one['in'])} ${String(one['name'])}`, one]),
      )
      const body = deref(raw['requestBody'])
      const content = Object.entries(record(body['content']))
      const media = (response: unknown) => {
        const entries = Object.entries(record(deref(response)['content']))
        const schema = record(entries[0]?.[1])['schema']
        return {
          types: entries.map(([type]) => type),
          schema: schema === undefined ? undefined : record(schema),
        }
      }
      const responses = Object.entries(record(raw['responses']))
      const hasSuccess = responses.some(([status]) => status.startsWith('2'))
      const isSuccess = (status: string): boolean =>
        status.startsWith('2') || (!hasSuccess && status.startsWith('3'))
      return [
        {
          service,
          version,
          id: String(raw['operationId']),
          method: method.toUpperCase(),
          path,
          parameters: [...parameters.values()],
          body:
            content.length === 0
              ? undefined
              : {
                  required: body['required'] === true,
                  types: content.map(([type]) => type),
                  schema: record(record(content[0]?.[1])['schema']),
                },
          answers: new Map(
            responses
              .filter(([status]) => isSuccess(status))
              .map(([status, one]) => [Number(status), media(one)]),
          ),
          errors: new Map(
            responses.filter(([status]) => !isSuccess(status)).map(([status, one]) => [status, media(one)]),
          ),
          whole,
        },
      ]
    }),
  )
}

/** Formats that are words of the documents' own, or that zod takes to be narrower than they mean. */
const LOOSE = new Set(['string', 'json', 'binary', 'bytes', 'int64', 'decimal', 'password', 'url', 'domain'])

/** Reads OpenAPI 3.0 as JSON Schema. Fields that only the other side has to do with need not be there. */
function jsonSchema(
  deref: (property: unknown) => Raw,
  foreign: 'readOnly' | 'writeOnly',
): (value: unknown, areNames?: boolean) => unknown {
  const read = (value: unknown, areNames = false): unknown => {
    if (Array.isArray(value)) return value.map((item) => read(item))
    if (typeof value !== 'object' || value === null) return value
    if (areNames) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, read(inner)]))
    const made: Record<string, unknown> = {}
    for (const [key, inner] of Object.entries(value)) {
      if (key === '$ref') made[key] = String(inner).replace('#/components/schemas/', '#/$defs/')
      else if (key === 'properties') made[key] = read(inner, true)
      else if (['enum', 'default'].includes(key)) made[key] = inner
      else if (key === 'format' ? !LOOSE.has(String(inner)) : !key.startsWith('x-') && !SKIPPED.has(key))
        made[key] = read(inner)
    }
    const { properties, required } = value as Raw
    if (Array.isArray(required) && properties !== undefined) {
      // Some names that are required are not declared: slips of the documents (stackit dossier 9).
      made['required'] = required.filter((name) => {
        const property = record(properties)[String(name)]
        return property !== undefined && deref(property)[foreign] !== true
      })
    }
    // Alternatives overlap (stackit dossier 9): one that takes the value is enough.
    const { oneOf, ...rest } = made
    const plain = oneOf === undefined ? made : { ...rest, anyOf: oneOf }
    return record(value)['nullable'] === true ? { anyOf: [plain, { type: 'null' }] } : plain
  }
  return read
}
const SKIPPED = new Set(['discriminator', 'nullable', 'readOnly', 'writeOnly', 'required'])

const validators = new Map<string, z.ZodType>()

/** What is wrong with a value by a schema of the document; nothing if it is right. */
export function complaints(
  operation: RawOperation,
  schema: Raw,
  value: unknown,
  place: string,
): string | undefined {
  const isSent = place === 'body'
  const name = `${operation.service} ${operation.version} ${String(isSent)} ${JSON.stringify(schema)}`
  const validator = validators.get(name) ?? z.fromJSONSchema(operation.whole(schema, isSent))
  validators.set(name, validator)
  const result = validator.safeParse(value)
  return result.success ? undefined : z.prettifyError(result.error)
}
