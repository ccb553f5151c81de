import type { Identity, Right } from './collections.js'
import type { FilterFeatures } from './filter.js'
import type { Fields } from './json.js'

/** In what SlipStream and Nuvla say the same things differently (slipstream dossier 3, Appendix N). */
export interface Dialect {
  /** What stands before the names of query parameters. */
  readonly prefix: '$' | ''
  /** The attribute that tells the type. */
  readonly typeField: 'resourceURI' | 'resource-type'
  readonly typeOf: (collection: string) => string
  readonly typeOfCollection: (collection: string) => string
  /** Under which key a collection has its documents. */
  readonly listKey: (collection: string) => string
  readonly actionRel: (action: string) => string
  readonly filter: FilterFeatures
  /** Whether collections can be deleted from by a filter. */
  readonly bulk: boolean
  readonly allows: (acl: unknown, identity: Identity, right: Right) => boolean
  /** What the answer to an edit is: the document, or a message about it. */
  readonly editAnswer: 'document' | 'message'
  readonly entryPoint: (baseUri: string, collections: readonly string[]) => Fields
}
