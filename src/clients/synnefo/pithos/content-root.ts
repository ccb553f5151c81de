import { concatMap, defer, ignoreElements, concat, map, mergeMap, of, range, type Observable } from 'rxjs'
import { createBlockBuffers } from '../../../streams/block-buffers.js'
import type { Hasher } from '../../../streams/hasher.js'
import { hashBlock, merkleRoot } from '../../../streams/hashing.js'
import { withResource } from '../../../streams/resource.js'
import { sourceOf } from '../../../streams/sources.js'
import type { BlockShape } from './blocks.js'

/** Emits the identity that the content of a file has in a store of these blocks (pithos dossier 9.1). */
export function contentRoot(
  hasher: Hasher,
  path: string,
  { blockSize, blockHash }: BlockShape,
): Observable<string> {
  return withResource(
    () => sourceOf(path, 'path').open(),
    (source) => {
      const { size = 0 } = source
      const buffers = createBlockBuffers(Math.max(1, Math.min(size, blockSize)))
      const hashes: string[] = []
      const blocks = range(0, Math.ceil(size / blockSize)).pipe(
        mergeMap(
          (index) =>
            buffers.borrow((buffer) =>
              defer(() =>
                source.read(index * blockSize, Math.min(blockSize, size - index * blockSize), buffer),
              ).pipe(
                concatMap((block) => hashBlock(hasher, blockHash, block)),
                map((hash) => {
                  hashes[index] = hash
                }),
              ),
            ),
          hasher.threads + 1,
        ),
        ignoreElements(),
      )
      return concat(
        blocks,
        defer(() => of(merkleRoot(blockHash, hashes))),
      )
    },
  )
}
