import { TransferError } from '../../../errors.js'
import { isKnownHash } from '../../../streams/hashing.js'
import type { ContainerInfo } from '../storage/schemas.js'

/** No server has a larger one; what claims to would only exhaust the memory. */
const MAX_BLOCK_SIZE = 2 ** 28

/** How content is cut and hashed: a setting of the server (pithos dossier 1). */
export interface BlockShape {
  readonly blockSize: number
  readonly blockHash: string
}

/** The block size and the hash of a container, if they are there and can be worked with. */
export function blockShapeOf({ blockSize, blockHash }: ContainerInfo): BlockShape {
  if (blockSize === undefined || blockHash === undefined) {
    throw new TransferError('the container tells no block size: the store does not speak Pithos')
  }
  return checkShape({ blockSize, blockHash })
}

export function checkShape(shape: BlockShape): BlockShape {
  const { blockSize, blockHash } = shape
  if (blockSize < 1 || blockSize > MAX_BLOCK_SIZE)
    throw new TransferError(`a block size of ${blockSize} bytes`)
  if (!isKnownHash(blockHash))
    throw new TransferError(`blocks are hashed with '${blockHash}', which is not known`)
  return shape
}
