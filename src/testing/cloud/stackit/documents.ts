import { brotliDecompressSync } from 'node:zlib'
import { DOCUMENT_DATA } from './document-data.js'

/** A schema of the documents: JSON Schema as OpenAPI 3.0 has it, without prose. References are names. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly unknown[]
  /** Values there are, in a set that may grow. */
  readonly known?: readonly string[]
  readonly nullable?: boolean
  readonly readOnly?: boolean
  readonly writeOnly?: boolean
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: boolean
  readonly exclusiveMaximum?: boolean
  readonly multipleOf?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly additionalProperties?: boolean | Schema
  readonly allOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly discriminator?: {
    readonly propertyName: string
    readonly mapping?: Readonly<Record<string, string>>
  }
}

export interface Parameter {
  readonly in: 'path' | 'query' | 'header'
  readonly required?: true
  /** Of arrays and objects in the query; by default a name is repeated. */
  readonly style?: 'comma' | 'deep'
  readonly schema: Schema
}

export interface Content {
  /** Media types; absent for JSON alone, and where there is no content. */
  readonly types?: readonly string[]
  /** Absent where there is no content. */
  readonly schema?: Schema
}

export interface Operation {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'PATCH'
  readonly path: string
  readonly parameters?: Readonly<Record<string, Parameter>>
  readonly body?: Content & { readonly required?: true; readonly schema: Schema }
  /** By status: 2xx, and 3xx where there is no other success. */
  readonly answers: Readonly<Record<string, Content>>
  /** By status, range (`4XX`) or `default`. */
  readonly errors?: Readonly<Record<string, Content>>
  /** No token is needed. */
  readonly open?: true
}

/** What a client of the reference waits for (stackit dossier 7). */
export interface Waiter {
  readonly name: string
  readonly kind: string
  readonly polls: readonly string[]
  readonly field?: string
  readonly success?: readonly string[]
  readonly failure?: readonly string[]
  readonly gone?: readonly number[]
}

/** One service in one version. */
export interface ServiceDocument {
  readonly service: string
  readonly version: string
  readonly default?: true
  readonly operations: Readonly<Record<string, Operation>>
  readonly schemas: Readonly<Record<string, Schema>>
  readonly waiters?: readonly Waiter[]
}

/** The documents, unpacked at the first use and read one by one. */
export interface Documents {
  /** Of a service, its default version first; none if there is no such service. */
  of(service: string): readonly ServiceDocument[]
  services(): readonly string[]
}

let lines: ReadonlyMap<string, readonly string[]> | undefined
const read = new Map<string, readonly ServiceDocument[]>()

export const DOCUMENTS: Documents = {
  of(service) {
    const known = read.get(service)
    if (known !== undefined) return known
    const found = (unpacked().get(service) ?? []).map((line) => JSON.parse(line) as ServiceDocument)
    const sorted = [...found].sort(
      (left, right) => Number(right.default ?? false) - Number(left.default ?? false),
    )
    read.set(service, sorted)
    return sorted
  },
  services: () => [...unpacked().keys()],
}

function unpacked(): ReadonlyMap<string, readonly string[]> {
  if (lines !== undefined) return lines
  const found = new Map<string, string[]>()
  const text = brotliDecompressSync(Buffer.from(DOCUMENT_DATA, 'base64')).toString('utf8')
  for (const line of text.split('\n')) {
    const service = /^\{"service":"([^"]+)"/.exec(line)?.[1] ?? ''
    found.set(service, [...(found.get(service) ?? []), line])
  }
  return (lines = found)
}
