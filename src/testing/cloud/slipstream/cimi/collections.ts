import type { OutgoingHttpHeaders } from 'node:http'
import type { Exchange } from '../../service.js'
import type { Fields } from './json.js'
import type { Ordering } from './query.js'
import type { Document } from './store.js'

export type Right = 'view' | 'edit' | 'delete' | 'manage'

/** Who asks, in the words of access lists. */
export interface Identity {
  /** Undefined: nobody in particular. */
  readonly user: string | undefined
  readonly roles: readonly string[]
  /** May do everything. */
  readonly privileged: boolean
  /** Id of the session, if there is one. */
  readonly session: string | undefined
}

/** One request, as the collections see it. */
export interface Call {
  readonly exchange: Exchange
  readonly identity: Identity
}

export interface Answer {
  readonly status: number
  /** Sent as JSON. */
  readonly body: unknown
  readonly headers?: OutgoingHttpHeaders
}

/** What can be done with a document besides reading, editing and deleting it. */
export interface Action {
  readonly right: Right
  /** Whether it makes sense now; if not, it is not listed, and refused with 409. Default: always. */
  readonly offered?: (document: Document, identity: Identity) => boolean
  readonly run: (call: Call, document: Document, body: Fields) => Answer | Promise<Answer>
}

export interface Collection {
  readonly name: string
  /** Who may list it (`view`) and add to it (`edit`), as its own access list says it. */
  readonly acl: Fields
  readonly order?: Ordering
  /** Latest additions first among those that are equal by `order`. */
  readonly latestFirst?: boolean
  /** Undefined: nothing can be added, 405. */
  readonly add?: (call: Call, body: Fields) => Answer | Promise<Answer>
  /** Reads a form instead of JSON. */
  readonly readForm?: (form: URLSearchParams) => Fields
  /** What becomes of the wanted changes; throws what speaks against them. Undefined: nothing can be edited, 405. */
  readonly edit?: (document: Document, changes: Fields, identity: Identity) => Fields
  /** Undefined: nothing can be deleted, 405. */
  readonly remove?: (call: Call, document: Document) => Answer | undefined
  /** Whether a document may go now; if not, `delete` is not listed. Default: always. */
  readonly removable?: (document: Document) => boolean
  readonly actions?: Readonly<Record<string, Action>>
  /** What of the collection a caller can find at all. Default: all that he may see. */
  readonly findable?: (document: Document, identity: Identity) => boolean
  /** Finds by what follows the collection in the address. Default: by id. */
  readonly find?: (rest: string) => Document | undefined
}

/** Nothing speaks against any change. */
export function asGiven(_document: Document, changes: Fields): Fields {
  return changes
}

export function statusBody(status: number, message: string, resourceId?: string): Fields {
  return { status, message, ...(resourceId === undefined ? {} : { 'resource-id': resourceId }) }
}

/** The answer to an add (slipstream dossier 3.1). */
export function created(id: string, more: Fields = {}, headers: OutgoingHttpHeaders = {}): Answer {
  return {
    status: 201,
    body: { ...statusBody(201, `${id} created`, id), ...more },
    headers: { Location: id, ...headers },
  }
}
