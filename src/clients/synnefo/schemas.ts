import { z } from 'zod'

// Ids are numbers for servers and flavors, strings elsewhere, and guides print strings: both are accepted
// (synnefo-compute dossier, "twelve things" 4).
const id = z.union([z.string(), z.number()])
export type Id = string | number

// --- servers (dossier 6.2) --------------------------------------------------------------------------------------

/** What the package itself relies on. Not loose: what a check makes is thrown away, and copying all fields costs time. */
export const steeringServer = z.object({
  id,
  status: z.string(),
  'SNF:task_state': z.string().nullish(),
  progress: z.number().nullish(),
})

const attachment = z.looseObject({
  id,
  network_id: z.string(),
  mac_address: z.string().nullish(),
  ipv4: z.string().optional(),
  ipv6: z.string().optional(),
  firewallProfile: z.string().optional(),
  'OS-EXT-IPS:type': z.string().optional(),
})
const diagnostic = z.looseObject({
  level: z.string(),
  created: z.string(),
  source: z.string(),
  source_date: z.string().optional(),
  message: z.string(),
  details: z.string().nullish(),
})
export const describedServer = steeringServer.loose().extend({
  name: z.string(),
  user_id: z.string().optional(),
  tenant_id: z.string().optional(),
  shared_to_project: z.boolean().optional(),
  hostId: z.string().optional(),
  created: z.string().optional(),
  updated: z.string().optional(),
  flavor: z.looseObject({ id }).optional(),
  image: z.looseObject({ id }).optional(),
  suspended: z.boolean().optional(),
  deleted: z.boolean().optional(),
  'SNF:rescue': z.boolean().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  tags: z.array(z.string()).optional(),
  attachments: z.array(attachment).optional(),
  addresses: z
    .record(z.string(), z.array(z.looseObject({ version: z.number(), addr: z.string() })))
    .optional(),
  volumes: z.array(id).optional(),
  diagnostics: z.array(diagnostic).optional(),
  key_name: z.string().nullish(),
  'SNF:key_names': z.array(z.string()).optional(),
  config_drive: z.string().optional(),
  'SNF:fqdn': z.string().nullish(),
  'SNF:port_forwarding': z
    .record(z.string(), z.looseObject({ host: z.string(), port: z.string() }))
    .optional(),
})

/** A server as Cyclades describes it. Unknown fields are kept, unknown states let through. */
export type Server = Readonly<z.infer<typeof describedServer>>

/** The answer to a creation. `adminPass` is the only copy of the password; it is readable, but never printed. */
export type CreatedServer = Server & { readonly adminPass?: string }

export type ServerStatus =
  'BUILD' | 'ACTIVE' | 'STOPPED' | 'REBOOT' | 'RESIZE' | 'ERROR' | 'DELETED' | 'UNKNOWN' | (string & {})

/** What to build (dossier 6.4). */
export interface ServerSpec {
  readonly name: string
  /** Id of the flavor. */
  readonly flavorRef: Id
  /** Id of the image; null where a block device gives it. */
  readonly imageRef: string | null
  readonly metadata?: Readonly<Record<string, string>>
  readonly tags?: readonly string[]
  /** Absent: what the cloud does by default. Empty: no network. */
  readonly networks?: readonly (
    { readonly uuid: string; readonly fixed_ip?: string } | { readonly port: string }
  )[]
  readonly personality?: readonly {
    readonly path: string
    /** Base64. */
    readonly contents: string
    readonly owner?: string
    readonly group?: string
    readonly mode?: number
  }[]
  readonly key_name?: string
  readonly 'SNF:key_names'?: readonly string[]
  /** Base64. */
  readonly user_data?: string
  readonly adminPass?: string
  /** Project to charge; default: that of the token. */
  readonly project?: string
  readonly shared_to_project?: boolean
  readonly block_device_mapping_v2?: readonly Readonly<Record<string, unknown>>[]
}

// --- flavors and images (dossier 7) --------------------------------------------------------------------------------

export const steeringFlavor = z.object({ id })
export const describedFlavor = steeringFlavor.loose().extend({
  name: z.string(),
  /** MiB */
  ram: z.number().optional(),
  /** GiB */
  disk: z.number().optional(),
  vcpus: z.number().optional(),
  'os-flavor-access:is_public': z.boolean().optional(),
  'SNF:disk_template': z.string().optional(),
  'SNF:volume_type': z.number().optional(),
  'SNF:allow_create': z.boolean().optional(),
  'SNF:flavor-access': z.array(z.string()).optional(),
})
export type Flavor = Readonly<z.infer<typeof describedFlavor>>

export const steeringImage = z.object({ id: z.string() })
export const describedImage = steeringImage.loose().extend({
  name: z.string(),
  created: z.string().optional(),
  updated: z.string().optional(),
  status: z.string().optional(),
  progress: z.number().optional(),
  user_id: z.string().optional(),
  tenant_id: z.string().optional(),
  public: z.boolean().optional(),
  is_snapshot: z.boolean().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
})
export type Image = Readonly<z.infer<typeof describedImage>>
