/** One service of the catalogue, without the origin (synnefo dossier 2.1). */
export interface CatalogueEntry {
  readonly name: string
  readonly type: string
  readonly versionId: string
  /** Below the cloud's origin; with a version for some services and without for others. */
  readonly path: string
}

/** Services that are there in every cloud. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  { name: 'astakos_account', type: 'account', versionId: 'v1.0', path: '/account/v1.0' },
  { name: 'astakos_identity', type: 'identity', versionId: 'v2.0', path: '/identity/v2.0' },
  { name: 'astakos_weblogin', type: 'astakos_weblogin', versionId: '', path: '/weblogin' },
  { name: 'cyclades_compute', type: 'compute', versionId: 'v2.0', path: '/compute/v2.0' },
  { name: 'pithos_object-store', type: 'object-store', versionId: 'v1', path: '/pithos/object-store/v1' },
]

export function serviceCatalogue(
  origin: string,
  entries: readonly CatalogueEntry[],
): readonly Readonly<Record<string, unknown>>[] {
  return entries.map(({ name, type, versionId, path }) => ({
    name,
    type,
    endpoints_links: [],
    endpoints: [
      {
        versionId,
        publicURL: `${origin}${path}`,
        'SNF:uiURL': `${origin}/ui`,
        ...(type === 'astakos_weblogin' ? { 'SNF:webloginURL': `${origin}${path}` } : {}),
        region: 'default',
        'SNF:exposeVersion': /\/v\d+(\.\d+)?$/.test(path) ? 'True' : 'False',
      },
    ],
  }))
}
