import { map, ReplaySubject, share, type Observable } from 'rxjs'
import { call, type Api } from '../../../http/api.js'
import type { CallOptions } from '../../../http/types.js'
import { headContainer } from '../storage/container-operations.js'
import type { ContainerName } from '../storage/names.js'
import { blockShapeOf, type BlockShape } from './blocks.js'

/** How the contents of containers are cut and hashed, asked for once each. */
export interface BlockShapes {
  of(container: ContainerName, options: CallOptions): Observable<BlockShape>
}

export function createBlockShapes(api: Api): BlockShapes {
  const known = new Map<string, Observable<BlockShape>>()
  return {
    of: ({ account, container }, options) => {
      const key = JSON.stringify([account, container])
      const name = { container, ...(account === undefined ? {} : { account }) }
      const shape =
        known.get(key) ??
        call(api, headContainer, name, options).pipe(
          map(blockShapeOf),
          share({
            connector: () => new ReplaySubject(1),
            resetOnComplete: false,
            resetOnRefCountZero: false,
          }),
        )
      known.set(key, shape)
      return shape
    },
  }
}
