import type { Chance } from '../chance.js'
import type { Limits } from './quotas.js'

export interface Flavor {
  readonly id: number
  readonly vcpus: number
  /** MiB */
  readonly ram: number
  /** GiB */
  readonly disk: number
  readonly diskTemplate: string
  readonly volumeType: number
  readonly isPublic: boolean
  readonly allowCreate: boolean
  /** Projects that may see a flavor that is not public. */
  readonly access: readonly string[]
}

/** How a build from an image ends. */
export type BuildOutcome =
  /** The server becomes ACTIVE. */
  | 'active'
  /** The build breaks off and the server ends in ERROR. */
  | 'error'
  /** The job cannot even be queued: the creation is answered, and the server is in ERROR at once. */
  | 'not-queued'

export interface Image {
  readonly id: string
  readonly name: string
  readonly ownerId: string
  readonly isPublic: boolean
  readonly isSnapshot: boolean
  readonly created: number
  updated: number
  deleted: boolean
  readonly properties: Map<string, string>
  readonly outcome: BuildOutcome
}

const GIB = 2 ** 30

export const DEFAULT_LIMITS: Limits = {
  'cyclades.vm': 32,
  'cyclades.cpu': 128,
  'cyclades.ram': 256 * GIB,
  'cyclades.disk': 2048 * GIB,
  'cyclades.network.private': 8,
  'cyclades.floating_ip': 8,
  'pithos.diskspace': 100 * GIB,
}

const SIZES: readonly (readonly [vcpus: number, ram: number, disk: number])[] = [
  [1, 512, 10],
  [1, 1024, 20],
  [2, 2048, 20],
  [2, 4096, 40],
  [4, 4096, 40],
  [4, 8192, 80],
  [8, 16384, 80],
]

/** Ids 1 to 7 on `drbd` disks, 8 to 10 on `ext_archipelago`, 11 no longer to be had, 12 for the shared project only. */
export function seedFlavors(sharedProjectId: string): readonly Flavor[] {
  const open = { isPublic: true, allowCreate: true, access: [] }
  const drbd = { diskTemplate: 'drbd', volumeType: 1 }
  const archipelago = { diskTemplate: 'ext_archipelago', volumeType: 2 }
  return [
    ...SIZES.map(([vcpus, ram, disk], index) => ({ id: index + 1, vcpus, ram, disk, ...drbd, ...open })),
    ...SIZES.slice(1, 4).map(([vcpus, ram, disk], index) => ({
      id: SIZES.length + index + 1,
      vcpus,
      ram,
      disk,
      ...archipelago,
      ...open,
    })),
    { id: 11, vcpus: 1, ram: 1024, disk: 5, ...drbd, ...open, allowCreate: false },
    { id: 12, vcpus: 8, ram: 32768, disk: 160, ...drbd, ...open, isPublic: false, access: [sharedProjectId] },
  ]
}

export function flavorName(flavor: Flavor): string {
  const { vcpus, ram, disk, diskTemplate } = flavor
  return `C${String(vcpus)}R${String(ram)}D${String(disk)}${diskTemplate}`
}

interface ImageSeed {
  readonly name: string
  readonly os: string
  readonly family: string
  readonly users: string
  readonly outcome?: BuildOutcome
  readonly owned?: boolean
}

const IMAGES: readonly ImageSeed[] = [
  { name: 'Debian 12 Base', os: 'debian', family: 'linux', users: 'root' },
  { name: 'Ubuntu Server 24.04 LTS', os: 'ubuntu', family: 'linux', users: 'root user' },
  { name: 'Fedora Server 41', os: 'fedora', family: 'linux', users: 'root' },
  { name: 'FreeBSD 14', os: 'freebsd', family: 'freebsd', users: 'root' },
  { name: 'Debian 12 with PostgreSQL', os: 'debian', family: 'linux', users: 'root', owned: true },
  { name: 'Broken image (build fails)', os: 'debian', family: 'linux', users: 'root', outcome: 'error' },
  {
    name: 'Refused image (job is not queued)',
    os: 'debian',
    family: 'linux',
    users: 'root',
    outcome: 'not-queued',
  },
]

export function seedImages(
  chance: Chance,
  operatorId: string,
  userId: string,
  now: number,
): Map<string, Image> {
  const created = now - 90 * 24 * 3_600_000
  return new Map(
    IMAGES.map((seed) => {
      const id = chance.uuid()
      const image: Image = {
        id,
        name: seed.name,
        ownerId: seed.owned === true ? userId : operatorId,
        isPublic: seed.owned !== true,
        isSnapshot: false,
        created,
        updated: created,
        deleted: false,
        properties: new Map([
          ['os', seed.os],
          ['osfamily', seed.family],
          ['root_partition', '1'],
          ['users', seed.users],
          ['description', seed.name],
        ]),
        outcome: seed.outcome ?? 'active',
      }
      return [id, image]
    }),
  )
}
