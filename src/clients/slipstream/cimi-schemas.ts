import { z } from 'zod'
import type { FilterExpression } from './filter.js'

/** What can be done with a resource or a collection, by this user, now (slipstream dossier 3.1). */
export interface CimiLink {
  /** A word, or an address whose last segment is the word. */
  readonly rel: string
  /** Below the API, without a slash in front. */
  readonly href: string
}

/** A document of the API under its wire names; what is not listed here depends on the collection. */
export interface CimiResource {
  /** `collection/uuid` */
  readonly id: string
  /** ISO 8601. */
  readonly created?: string
  /** ISO 8601. */
  readonly updated?: string
  readonly name?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, string>>
  readonly parent?: string
  readonly operations?: readonly CimiLink[]
  readonly [field: string]: unknown
}

/** The answer to one search. */
export interface CimiCollection<T extends CimiResource = CimiResource> {
  /** Hits in all, whatever window of them was asked for. */
  readonly count: number
  readonly resources: readonly T[]
  readonly operations: readonly CimiLink[]
  /** By `algorithm:attribute`, if asked for. */
  readonly aggregations?: Readonly<Record<string, unknown>>
}

/** The answer to what is no question: an addition, a removal, an action. */
export interface CimiResult {
  readonly status: number
  readonly message: string
  readonly 'resource-id'?: string
  /** Id of what was made: a resource, or the job that does the work. */
  readonly location?: string
  readonly [field: string]: unknown
}

/** What there is in this cloud. */
export interface CloudEntryPoint {
  /** The address of the API as the server knows it; the client does not use it. */
  readonly baseUri?: string
  /** The path of each collection, by its name. */
  readonly collections: Readonly<Record<string, string>>
}

/** What is searched for, and how much of it (slipstream dossier 3.3). Filtered first, then ordered, then cut to the window. */
export interface CimiQuery {
  /** The first hit wanted, from 1 on. Default 1. */
  readonly first?: number
  /** The last hit wanted, itself included; 0 for none, but their count and aggregations. */
  readonly last?: number
  readonly filter?: string | FilterExpression
  /** Only these attributes; `id` always comes along. */
  readonly select?: readonly string[]
  readonly expand?: readonly string[]
  /** `attribute`, `attribute:asc`, `attribute:desc` */
  readonly orderBy?: string | readonly string[]
  /** `algorithm:attribute`, such as `terms:state` or `sum:price`. */
  readonly aggregation?: string | readonly string[]
}

export interface CimiSearch extends CimiQuery {
  /** Hits per request. Default 500, at most 10,000. */
  readonly pageSize?: number
}

// --- what is relied on --------------------------------------------------------------------------------------

const link = z.looseObject({ rel: z.string(), href: z.string() })
const links = z.array(link).optional()

export const steeringResource = z.looseObject({ id: z.string().min(1), operations: links })

/** The body of a collection whose resources stand under `field`. */
export function steeringCollection(field: string): z.ZodType {
  return z.looseObject({ count: z.number(), operations: links, [field]: z.array(steeringResource) })
}

export const steeringObject = z.looseObject({})
