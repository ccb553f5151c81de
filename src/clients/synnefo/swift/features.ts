import { concatMap, defer, of, tap, throwError, type Observable } from 'rxjs'
import { ConfigurationError } from '../../../errors.js'
import { call, type Api } from '../../../http/api.js'
import { json } from '../../../http/codecs.js'
import type { CallOptions, Operation } from '../../../http/types.js'
import { service } from '../storage/headers.js'
import { STORE } from './catalogue.js'
import { swiftFeatures, type SwiftFeatures } from './schemas.js'

export const getFeatures: Operation<void, SwiftFeatures> = {
  id: 'openstack.storage.features',
  service,
  method: 'GET',
  path: '/info',
  success: [200],
  encode: () => ({ path: `${STORE}/info` }),
  decode: json<SwiftFeatures>(swiftFeatures),
}

/** What the store of a client can do; asked for when it is first needed, and then kept. */
export type Features = (options?: CallOptions) => Observable<SwiftFeatures>

export function createFeatures(api: Api): Features {
  let known: SwiftFeatures | undefined
  return (options) => {
    const asked = call(api, getFeatures, undefined, options).pipe(
      tap((features) => {
        known = features
      }),
    )
    return defer(() => (known === undefined ? asked : of(known)))
  }
}

/**
 * The request, if the store keeps versions. One that does not takes no notice of them: it would change or remove what is there now.
 */
export function withVersions<T>(
  features: Features,
  options: CallOptions | undefined,
  request: Observable<T>,
): Observable<T> {
  return features(options).pipe(
    concatMap(({ object_versioning: versioning }) =>
      versioning === undefined
        ? throwError(
            () =>
              new ConfigurationError(
                'the store keeps no versions of objects: its /info has no object_versioning',
                {
                  cloud: 'openstack',
                },
              ),
          )
        : request,
    ),
  )
}

/** Throws a `TypeError` that names the option if it is no version. */
export function checkVersion(version: unknown): void {
  if (version === undefined || (typeof version === 'string' && version !== '')) return
  throw new TypeError('options.version: expected a text, as the versions of Swift are')
}
