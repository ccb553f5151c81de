import { wholeNumber } from '../../storage/arguments.js'
import { conditionHeaders } from '../../storage/headers.js'
import { newObjectHeaders } from '../headers.js'
import { containerName, type ObjectName } from '../../storage/names.js'
import type { UploadOptions } from '../../storage/transfer-options.js'

/** How an upload to Swift may differ from the usual one. */
export interface SwiftUploadOptions extends UploadOptions {
  /**
   * Bytes of a segment of what is larger than that; fewer segments than the store allows are made larger. Default 64 MiB; of a stream,
   * whose segments are held in memory, 16 MiB.
   */
  readonly segmentSize?: number
  /** Where segments go; made if it is not there. Default: the name of the object's container and `_segments`. */
  readonly segmentContainer?: string
  /** Leaves segments of what was replaced where they are. Default false: they are removed. */
  readonly leaveSegments?: boolean
}

/**
 * Throws a `TypeError` that names the option that is wrong. Swift has no conditions on writing but one: that there is no object yet
 * (pithos dossier 14.4); `ifMatch` is looked at before.
 */
export function checkUploadOptions(name: ObjectName, options: SwiftUploadOptions): void {
  const { segmentSize, segmentContainer, ifNoneMatch } = options
  newObjectHeaders(options)
  conditionHeaders(options)
  for (const option of ['sharing', 'public'] as const) {
    if (options[option] !== undefined) throw new TypeError(`options.${option}: Swift has nothing of the kind`)
  }
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new TypeError("options.ifNoneMatch: Swift knows only '*' when something is written")
  }
  if (segmentSize !== undefined) wholeNumber('options.segmentSize', segmentSize, 1)
  if (segmentContainer === undefined) return
  containerName({ container: segmentContainer }, 'options.segmentContainer')
  // What is below the name of an object there may be another object.
  if (segmentContainer === name.container) {
    throw new TypeError('options.segmentContainer: expected another container than that of the object')
  }
}
