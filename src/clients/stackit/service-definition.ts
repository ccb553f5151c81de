import type { Method } from '../../http/types.js'

// What the generator writes for each service, as data. The tables leave out whatever is the usual case.

/** Where a parameter goes, and what is known of its values. */
export interface ParameterRow {
  readonly in: 'path' | 'query' | 'header'
  readonly required?: true
  /** How an array or an object stands in the query. Default: the name is repeated for each item (stackit dossier 5). */
  readonly style?: 'comma' | 'deep'
  /** A schema of the service, by name. */
  readonly schema: string
}

export interface BodyRow {
  /** A schema of the service, by name; absent for a text. */
  readonly schema?: string
  readonly required?: true
  /** Media types it may have, the first one by default. Default: `application/json` alone. */
  readonly types?: readonly string[]
}

/** What a successful answer holds: nothing, JSON of a schema, or text or bytes of these media types. */
export interface AnswerRow {
  readonly schema?: string
  /** Media types that may be asked for, the first one by default. Default: `application/json` alone; without schema none. */
  readonly types?: readonly string[]
}

/** How the pages of a list follow each other (stackit dossier 10). */
export type PageRow =
  /** The answer names the next page. */
  | {
      readonly kind: 'token'
      /** Field of the answer, by dots: `nextPageToken`, `meta.nextCursor`. */
      readonly next: string
      /** Field of the answer that is `false` on the last page, even if a next one is named. */
      readonly more?: string
      /** Query parameter that takes it. */
      readonly parameter: string
      /** Field of the answer with the items, by dots. */
      readonly items: string
    }
  /** Pages have numbers, from 1 on. */
  | {
      readonly kind: 'number'
      readonly parameter: string
      readonly items: string
      /** Field of the answer with the number of the last page; without it, the first page without items is the end. */
      readonly last?: string
    }
  /** Pages begin at an item. */
  | {
      readonly kind: 'offset'
      readonly parameter: string
      /** Query parameter with the size of a page. */
      readonly size: string
      readonly items: string
    }

/** One operation of a service. */
export interface OperationRow {
  readonly method: Method
  /** As in the document: `/v1/projects/{projectId}/zones`. */
  readonly path: string
  /** By their names on the wire, those of the path included, in the order of the document. */
  readonly parameters?: Readonly<Record<string, ParameterRow>>
  readonly body?: BodyRow
  /** By status. */
  readonly success: Readonly<Record<number, AnswerRow>>
  /** Names of fields, of the request and of the answer, that are secrets. */
  readonly secret?: readonly string[]
  /** No token is needed. */
  readonly open?: true
  readonly page?: PageRow
}
export type OperationTable = Readonly<Record<string, OperationRow>>

/** How an operation leads to a waiter. */
export interface SubmitRow {
  /** Where arguments of the waiter come from: `args.body.jobName`, `result.zone.id`, `header.x-request-id`. Default: the argument of the same name. */
  readonly from?: Readonly<Record<string, string>>
  /** Fields that only this answer tells, a password: they go into the result of the wait. */
  readonly keeps?: readonly string[]
}

/** How one waits for what an operation began (stackit dossier 7). Names of operations are those of the table; fields are paths by dots. */
export interface WaiterRow {
  readonly kind:
    /** Until the state is one of `success`, or `failure`. */
    | 'state'
    /** Until the question is answered with one of the statuses in `gone`. */
    | 'gone'
    /** Until the question is not answered with 404 any more; with `then`, that question, while the state of the first is one of `success`. */
    | 'exists'
    /** Until the state is another one than `leaves`. */
    | 'leaves'
    /** Until `list` has an item that matches. */
    | 'listContains'
    /** Until `list` has no item that matches. */
    | 'listLacks'
    /** Until the question is answered at all. */
    | 'firstSuccess'
    /** As `state`, but `via` must have been seen. */
    | 'viaIntermediate'
    /** Until a request of IaaS is settled. */
    | 'request'
    /** Until a network area has no project. */
    | 'networkAreaEmpty'
  /** The operation that is asked again and again; where two are, the first. */
  readonly poll: string
  /** The other one. */
  readonly then?: string
  /** Field with the state. */
  readonly state?: string
  /** A `*` at the end stands for any rest. */
  readonly success?: readonly string[]
  readonly failure?: readonly string[]
  /** The only states on the way; every other one that is no success is a failure. Default: all others are on the way. */
  readonly pending?: readonly string[]
  readonly via?: string
  readonly leaves?: string
  /** Statuses that mean that it is gone. */
  readonly gone?: readonly number[]
  /** Field with the items. */
  readonly list?: string
  /** Field of the answer, or of an item, and the argument that it must be equal to. */
  readonly match?: readonly [field: string, argument: string]
  /** Field with the cloud's own words. */
  readonly message?: string
  /** Field with how far it is, from 0 to 100. */
  readonly percent?: string
  /** Milliseconds before the first question. */
  readonly pause?: number
  /** Milliseconds for the whole. */
  readonly timeout: number
  /** Name of a function in `waiter-rules.ts`, where the data cannot say it. */
  readonly rule?: string
  /** The operations that begin what is waited for. */
  readonly submits?: Readonly<Record<string, SubmitRow>>
}
export type WaiterTable = Readonly<Record<string, WaiterRow>>

/** A service in one version, as `createStackit` takes it. `Client` is what becomes of it. */
export interface ServiceDefinition<Client = unknown> {
  /** `dns` */
  readonly service: string
  /** `v1` */
  readonly version: string
  /** `https://dns.api.stackit.cloud`; `{region}` where the host has it (stackit dossier 2). */
  readonly url: string
  /** Regions there are, where the document says it. */
  readonly regions?: readonly string[]
  readonly operations: OperationTable
  readonly waiters?: WaiterTable
  /** JSON: schemas by name. Parsed when first needed. */
  readonly schemas: string
  /** Never there: it carries the type. */
  readonly client?: Client
}
