import type { Observable } from 'rxjs'
import type { CallOptions } from '../../http/types.js'
import type { CimiQuery, CimiResource } from './cimi-schemas.js'
import type { Cimi } from './cimi.js'
import { and, raw, startsWith } from './filter.js'

/** What a user has to reach the clouds with. */
export interface CloudCredential extends CimiResource {
  readonly type?: string
  /** Of one cloud. */
  readonly connector?: { readonly href: string }
}

export interface CloudCredentials {
  /** Emits each credential for a cloud; `filter` narrows them down further (slipstream dossier 3.1). */
  clouds(query?: Pick<CimiQuery, 'filter'>, options?: CallOptions): Observable<CloudCredential>
}

export function createCloudCredentials(cimi: Cimi): CloudCredentials {
  const ofClouds = startsWith('type', 'cloud-cred')
  return {
    clouds: ({ filter } = {}, options) => {
      const all =
        filter === undefined ? ofClouds : and(ofClouds, typeof filter === 'string' ? raw(filter) : filter)
      return cimi.search<CloudCredential>('credentials', { filter: all }, options)
    },
  }
}
