/** What `GET /info` says, and what the store keeps to. An absent feature is not there at all. */
export interface SwiftInfo {
  readonly swift: {
    readonly version: string
    readonly max_file_size: number
    readonly max_meta_name_length: number
    readonly max_meta_value_length: number
    readonly max_meta_count: number
    readonly max_meta_overall_size: number
    readonly max_object_name_length: number
    readonly max_container_name_length: number
    readonly container_listing_limit: number
    readonly account_listing_limit: number
    readonly [field: string]: unknown
  }
  readonly slo?: {
    readonly max_manifest_segments: number
    readonly max_manifest_size: number
    readonly min_segment_size: number
    readonly [field: string]: unknown
  }
  readonly tempurl?: {
    readonly methods: readonly string[]
    readonly allowed_digests: readonly string[]
    readonly [field: string]: unknown
  }
  readonly bulk_delete?: { readonly max_deletes_per_request: number; readonly max_failed_deletes: number }
  readonly object_versioning?: Readonly<Record<string, unknown>>
  readonly container_quotas?: Readonly<Record<string, unknown>>
}

/** Fields to change; a feature that is `null` is taken away. */
export type SwiftInfoOverride = {
  readonly [Feature in keyof SwiftInfo]?: Readonly<Partial<NonNullable<SwiftInfo[Feature]>>> | null
}

const DEFAULT: SwiftInfo = {
  swift: {
    version: '2.30.1',
    strict_cors_mode: true,
    policies: [{ name: 'Policy-0', aliases: 'Policy-0', default: true }],
    allow_account_management: false,
    account_autocreate: true,
    max_file_size: 5_368_709_122,
    max_meta_name_length: 128,
    max_meta_value_length: 256,
    max_meta_count: 90,
    max_meta_overall_size: 4096,
    max_header_size: 8192,
    max_object_name_length: 1024,
    container_listing_limit: 10_000,
    account_listing_limit: 10_000,
    max_account_name_length: 256,
    max_container_name_length: 256,
    extra_header_count: 0,
  },
  object_versioning: {},
  slo: {
    max_manifest_segments: 1000,
    max_manifest_size: 8_388_608,
    yield_frequency: 10,
    min_segment_size: 1,
    allow_async_delete: false,
  },
  container_quotas: {},
  tempurl: {
    methods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
    incoming_remove_headers: ['x-timestamp'],
    incoming_allow_headers: [],
    outgoing_remove_headers: ['x-object-meta-*'],
    outgoing_allow_headers: ['x-object-meta-public-*'],
    allowed_digests: ['sha1', 'sha256', 'sha512'],
    deprecated_digests: ['sha1'],
  },
  bulk_delete: { max_deletes_per_request: 10_000, max_failed_deletes: 1000 },
}

export function createInfo(override: SwiftInfoOverride = {}, listingLimit?: number): SwiftInfo {
  if (override.swift === null) throw new TypeError('info.swift cannot be taken away')
  const info: Record<string, unknown> = {}
  for (const [feature, fields] of Object.entries({ ...DEFAULT, ...override })) {
    if (fields !== null) info[feature] = { ...DEFAULT[feature as keyof SwiftInfo], ...fields }
  }
  const limits =
    listingLimit === undefined
      ? {}
      : { container_listing_limit: listingLimit, account_listing_limit: listingLimit }
  return { ...info, swift: { ...DEFAULT.swift, ...limits, ...override.swift } }
}
