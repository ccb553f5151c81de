import { ResponseFormatError } from '../../../errors.js'
import type { CimiResult } from '../cimi.js'

/**
 * The whole id: `deployment/<uuid>` also of a bare uuid.
 *
 * @throws TypeError naming the argument, if it cannot be the id of such a resource
 */
export function resourceId(collection: string, id: unknown, argument = 'id'): string {
  const prefix = `${collection}/`
  const uuid = typeof id === 'string' && id.startsWith(prefix) ? id.slice(prefix.length) : id
  if (typeof uuid === 'string' && /^[^/\s]+$/.test(uuid)) return prefix + uuid
  throw new TypeError(`${argument}: expected the id of a ${collection}, such as '${prefix}0b1c…'`)
}

/** @throws ResponseFormatError if the answer to an addition does not say what was added */
export function addedId(collection: string, { 'resource-id': id, location }: CimiResult): string {
  const added = id ?? location
  if (added !== undefined && new RegExp(`^${collection}/[^/\\s]+$`).test(added)) return added
  const operation = `nuvla.${collection}s.create`
  throw new ResponseFormatError(`${operation}: the answer does not name the ${collection} that was made`, {
    cloud: 'nuvla',
    operation,
  })
}

/** The id of the job that does what was asked for, if the answer names one. */
export function jobOf({ location }: CimiResult): string | undefined {
  return /(?:^|\/)(job\/[^/?#\s]+)$/.exec(location ?? '')?.[1]
}
