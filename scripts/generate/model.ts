import type { Method } from '../../src/http/types.js'
import type { PageRow, WaiterTable } from '../../src/clients/stackit/service-definition.js'

// What a reader makes of a document and the writers write from: plain data, every oddity of the document smoothed out.

/** What may stand beside every kind of schema. */
export interface SchemaTraits {
  readonly nullable?: true
  /** Sent by the service only. */
  readonly readOnly?: true
  /** Sent to the service only. */
  readonly writeOnly?: true
  readonly deprecated?: true
  /** Its value must not be shown. */
  readonly secret?: true
}

export interface Property {
  /** As on the wire. */
  readonly name: string
  readonly schema: Schema
  readonly required: boolean
}

export type SchemaKind =
  /** A named schema of the service. */
  | { readonly kind: 'reference'; readonly name: string }
  | {
      readonly kind: 'string'
      /** Known values; others may come. */
      readonly values?: readonly string[]
      /** No others may come: the field tells the members of a union apart. */
      readonly closed?: true
      readonly minLength?: number
      readonly maxLength?: number
      readonly pattern?: string
    }
  | {
      readonly kind: 'number' | 'integer'
      readonly values?: readonly number[]
      readonly minimum?: number
      readonly maximum?: number
      readonly exclusiveMinimum?: boolean
      readonly exclusiveMaximum?: boolean
      readonly multipleOf?: number
    }
  | { readonly kind: 'boolean' }
  | {
      readonly kind: 'array'
      readonly items: Schema
      readonly minItems?: number
      readonly maxItems?: number
      readonly uniqueItems?: boolean
    }
  | {
      readonly kind: 'object'
      readonly properties: readonly Property[]
      /** What further fields hold; false: there are none; absent: nothing is said. */
      readonly additional?: Schema | false
      readonly minProperties?: number
      readonly maxProperties?: number
    }
  | {
      readonly kind: 'union'
      readonly members: readonly Schema[]
      /** The field that tells the members apart, and the schema's name for each of its values. */
      readonly discriminator?: { readonly field: string; readonly names: Readonly<Record<string, string>> }
    }
  | { readonly kind: 'unknown' }

export type Schema = SchemaKind & SchemaTraits

export interface NamedSchema {
  /** Name of the type: `ZoneResponse`. Unique in the service. */
  readonly name: string
  readonly schema: Schema
  /** As in the document, where it comes from there: `zone_models.ImportZoneJson`. */
  readonly source?: string
}

export interface Parameter {
  /** As on the wire: `labelKey[eq]`. */
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  /** How an array or an object stands in the query. Absent: the name is repeated. */
  readonly style?: 'comma' | 'deep'
  readonly schema: Schema
  readonly deprecated?: true
}

export interface Body {
  /** Absent for a text. Never an inline object: those are named `<Operation>Body`. */
  readonly schema?: Schema
  readonly required: boolean
  /** Media types, the first one by default. */
  readonly types: readonly string[]
}

/** A successful answer. */
export interface Answer {
  readonly status: number
  /** Absent where there is no JSON. Inline ones are named `<Operation>Response`. */
  readonly schema?: Schema
  /** Media types, the first one by default; none: there is no body. */
  readonly types: readonly string[]
}

export interface Operation {
  /** As in the document: `CreateZone`, `get-dremio-instance`. */
  readonly id: string
  /** Name of the method: `createZone`. */
  readonly name: string
  /** Beginning of its types: `CreateZone`. */
  readonly typeName: string
  readonly method: Method
  readonly path: string
  /** Those of the path included, in the order of the document. */
  readonly parameters: readonly Parameter[]
  readonly body?: Body
  readonly answers: readonly Answer[]
  readonly deprecated?: true
  /** No token is needed. */
  readonly open?: true
  /** What who calls it must be allowed to do. */
  readonly permissions: readonly string[]
}

/** A service in one version. */
export interface Service {
  /** `load-balancer` */
  readonly service: string
  readonly version: string
  /** Whether it is the version one gets without asking for one. */
  readonly standard: boolean
  readonly deprecated?: true
  /** `loadBalancer`, `LoadBalancer` */
  readonly name: string
  readonly typeName: string
  /** `https://dns.api.stackit.cloud`; `https://argus.api.{region}.stackit.cloud` where the host has the region. */
  readonly url: string
  /** Regions there are, where the document says it. */
  readonly regions?: readonly string[]
  /** In the order of the document. */
  readonly schemas: readonly NamedSchema[]
  /** In the order of the document. */
  readonly operations: readonly Operation[]
}

/** How the pages of a list follow each other, if it has pages. */
export type PageReader = (operation: Operation, service: Service) => PageRow | undefined

/** What a service's file `waiters.ts` is made of. */
export interface Waiters {
  readonly table: WaiterTable
  /** Names that the text mentions, by their modules: `waiters.js` of the cloud's folder, `rxjs`. */
  readonly imports: Readonly<Record<string, readonly string[]>>
  /** Names of the service's types that the text mentions. */
  readonly types: readonly string[]
  /** `export interface DnsWatch { … }` and `export interface DnsRun { … }`. */
  readonly text: string
}
export type WaiterReader = (service: Service) => Waiters | undefined
