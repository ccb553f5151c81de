import type { Chance } from '../chance.js'

export const REGIONS = ['RegionOne', 'RegionTwo'] as const
export type RegionName = (typeof REGIONS)[number]

const INTERFACES = ['public', 'internal', 'admin'] as const
type Interface = (typeof INTERFACES)[number]

export interface CatalogueEntry {
  readonly endpoints: readonly {
    readonly id: string
    readonly interface: Interface
    readonly region_id: RegionName
    readonly url: string
    readonly region: RegionName
  }[]
  readonly id: string
  readonly type: string
  readonly name: string
}

/** Builds the catalogue that comes with a token of a project. */
export type Catalogue = (origin: string, projectId: string) => readonly CatalogueEntry[]

/** Where a region's object store is reached: each interface has an address of its own, to be told apart. */
export function storagePrefixes(region: RegionName): Readonly<Record<Interface, string>> {
  const base = region === 'RegionOne' ? '' : '/region-two'
  return { public: base, internal: `${base}/internal`, admin: `${base}/admin` }
}

export function createCatalogue(chance: Chance): Catalogue {
  const ids = new Map<string, string>()
  const idOf = (thing: string): string => {
    const id = ids.get(thing) ?? chance.hex(32)
    ids.set(thing, id)
    return id
  }
  const service = (
    type: string,
    name: string,
    urlOf: (region: RegionName, face: Interface) => string,
  ): CatalogueEntry => ({
    endpoints: REGIONS.flatMap((region) =>
      INTERFACES.map((face) => ({
        id: idOf(`${type} ${region} ${face}`),
        interface: face,
        region_id: region,
        url: urlOf(region, face),
        region,
      })),
    ),
    id: idOf(type),
    type,
    name,
  })
  return (origin, projectId) => [
    service('identity', 'keystone', () => `${origin}/v3/`),
    service(
      'object-store',
      'swift',
      (region, face) => `${origin}${storagePrefixes(region)[face]}/v1/AUTH_${projectId}`,
    ),
  ]
}
